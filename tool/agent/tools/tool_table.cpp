#include "agent/tools/tool_table.hpp"

#include <algorithm>
#include <array>

#include "agent/templates.hpp"
#include "agent/tools/tools.hpp"

namespace mstage::agent {

namespace {

/// {"$ref": "name"} anywhere becomes the definition of that name: each tool's schema is to be whole.
Json resolved(const Json& json, const Json& definitions) {
    if (json.is_object() && json.contains("$ref")) {
        return resolved(definitions.at(json["$ref"].get<std::string>()), definitions);
    }
    Json result = json;
    for (Json& member : result) {
        if (member.is_structured()) {
            member = resolved(member, definitions);
        }
    }
    return result;
}

ToolDescription description_from(const Json& tool, const Json& definitions) {
    Json input = {{"type", "object"},
                  {"properties", resolved(tool.at("input"), definitions)},
                  {"additionalProperties", false}};
    if (tool.contains("required")) {
        input["required"] = tool["required"];
    }
    Json output = resolved(tool.at("output"), definitions);
    output["type"] = "object";
    return {.name = tool.at("name").get<std::string>(),
            .input_schema = input,
            .listed = {{"name", tool.at("name")},
                       {"title", tool.at("title")},
                       {"description", tool.at("description")},
                       {"annotations", tool.at("annotations")},
                       {"inputSchema", input},
                       {"outputSchema", output}}};
}

std::vector<ToolDescription> read_descriptions() {
    const Json file = parse_json(template_text("mcp/tools.json"), "mcp/tools.json");
    std::vector<ToolDescription> found;
    for (const Json& tool : file.at("tools")) {
        found.push_back(description_from(tool, file.at("definitions")));
    }
    return found;
}

struct NamedFunction {
    const char* name;
    ToolFunction function;
};

}  // namespace

const std::vector<ToolDescription>& tool_descriptions() {
    static const std::vector<ToolDescription> k_descriptions = read_descriptions();
    return k_descriptions;
}

const ToolDescription* find_tool(const std::string& name) {
    const auto found = std::ranges::find(tool_descriptions(), name, &ToolDescription::name);
    return found == tool_descriptions().end() ? nullptr : &*found;
}

ToolFunction find_tool_function(const std::string& name) {
    static constexpr std::array k_functions = {
        NamedFunction{"rsync", rsync},
        NamedFunction{"list_images", list_images},
        NamedFunction{"get_image", get_image},
        NamedFunction{"set_tag", set_tag},
        NamedFunction{"list_files", list_files},
        NamedFunction{"read_file", read_file},
        NamedFunction{"upload", upload},
        NamedFunction{"download", download},
        NamedFunction{"get_guide", get_guide},
        NamedFunction{"pipeline_status", pipeline_status},
        NamedFunction{"why", why},
        NamedFunction{"diff", diff},
        NamedFunction{"history", history},
        NamedFunction{"rollback", rollback},
        NamedFunction{"shell_command", shell_command},
    };
    for (const NamedFunction& one : k_functions) {
        if (name == one.name) {
            return one.function;
        }
    }
    return nullptr;
}

const OperationTool* find_operation_tool(const std::string& name) {
    using enum OperationTool::Ends;
    static const std::array k_tools = {
        OperationTool{"run", {"image", "command"}, itself, run},
        OperationTool{"import_image", {"registry_url"}, by_server, import_image},
        OperationTool{"build", {"checkpoint"}, by_server, build},
    };
    const auto found = std::ranges::find(k_tools, name, &OperationTool::name);
    return found == k_tools.end() ? nullptr : &*found;
}

}  // namespace mstage::agent
