#pragma once

#include <string>
#include <vector>

#include "agent/job.hpp"
#include "agent/settings.hpp"
#include "base/json.hpp"

/// The tools themselves; names, schemas and descriptions are in templates/mcp/tools.json. All get
/// arguments that are as the schema says, defaults filled in, and are called in a process of their
/// own (Job). What they throw is for the agent to read.
namespace mstage::agent {

/// Answers at once, or nearly.
using ToolFunction = Json (*)(const Settings& settings, const Json& arguments);

Json rsync(const Settings& settings, const Json& arguments);
Json list_images(const Settings& settings, const Json& arguments);
Json get_image(const Settings& settings, const Json& arguments);
Json set_tag(const Settings& settings, const Json& arguments);
Json list_files(const Settings& settings, const Json& arguments);
Json read_file(const Settings& settings, const Json& arguments);
Json upload(const Settings& settings, const Json& arguments);
Json download(const Settings& settings, const Json& arguments);
Json get_guide(const Settings& settings, const Json& arguments);
Json pipeline_status(const Settings& settings, const Json& arguments);
Json why(const Settings& settings, const Json& arguments);
Json diff(const Settings& settings, const Json& arguments);
Json history(const Settings& settings, const Json& arguments);
Json rollback(const Settings& settings, const Json& arguments);
Json shell_command(const Settings& settings, const Json& arguments);

/// Takes its time: becomes an Operation, whose id the work is told.
struct OperationTool {
    std::string name;               ///< the operation's type too
    std::vector<std::string> told;  ///< arguments that the operation is shown with
    /// Who ends it when the argument "timeout" is over.
    enum class Ends { itself, by_server } ends;
    Json (*work)(const Settings& settings, const Json& arguments, const std::string& id,
                 const Report& report);
};

Json run(const Settings& settings, const Json& arguments, const std::string& id,
         const Report& report);
Json import_image(const Settings& settings, const Json& arguments, const std::string& id,
                  const Report& report);
Json build(const Settings& settings, const Json& arguments, const std::string& id,
           const Report& report);

/// Null when the tool is none of this kind.
ToolFunction find_tool_function(const std::string& name);
const OperationTool* find_operation_tool(const std::string& name);

}  // namespace mstage::agent
