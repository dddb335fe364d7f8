#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"

namespace mstage::agent {

/// A tool as templates/mcp/tools.json describes it.
struct ToolDescription {
    std::string name;
    Json input_schema;
    Json listed;  ///< what tools/list says of it
};

/// All, in the order of that file.
const std::vector<ToolDescription>& tool_descriptions();
/// Null when there is none of that name.
const ToolDescription* find_tool(const std::string& name);

}  // namespace mstage::agent
