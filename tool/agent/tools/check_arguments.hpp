#pragma once

#include "agent/tools/tool_table.hpp"
#include "base/json.hpp"

namespace mstage::agent {

/// The arguments of a call as the tool takes them: null for what is left out and 30.0 for 30, as models
/// write them, are put right, and what is missing has its default. Throws Error, with what is wanted as
/// the hint.
Json checked_arguments(const ToolDescription& tool, Json arguments);

}  // namespace mstage::agent
