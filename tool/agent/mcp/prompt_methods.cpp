#include "agent/mcp/prompt_methods.hpp"

#include <algorithm>
#include <array>

#include "agent/mcp/message.hpp"
#include "agent/prompts.hpp"
#include "agent/tools/arguments.hpp"

namespace mstage::agent {

namespace {

using Texts = std::map<std::string, std::string>;

constexpr const char* k_pipeline = "pipeline";

Json to_entry(const Prompt& prompt) {
    Json arguments = Json::array();
    for (const PromptParameter& parameter : prompt.parameters) {
        const std::string said =
            parameter.default_value
                ? fmt::format("{} (default: {})", parameter.description, *parameter.default_value)
                : parameter.description;
        arguments.push_back(
            {{"name", parameter.name}, {"description", said}, {"required", parameter.required}});
    }
    return {{"name", prompt.name},
            {"title", prompt.title},
            {"description", prompt.description},
            {"arguments", std::move(arguments)}};
}

Json pipeline_entry() {
    const auto argument = [](const char* name, const char* description) {
        return Json{{"name", name}, {"description", description}, {"required", false}};
    };
    return {
        {"name", k_pipeline},
        {"title", "A configured pipeline"},
        {"description",
         "How to build, resume, look at and go back in a pipeline of a build tree, from what is "
         "configured and how it stands"},
        {"arguments",
         Json::array({argument("build_dir", "The build tree (default: the server's)"),
                      argument("pipeline", "Which of its pipelines (default: the first)")})}};
}

Json message_of(const std::string& description, std::string text) {
    Json message = {{"role", "user"}, {"content", {{"type", "text"}, {"text", std::move(text)}}}};
    return {{"description", description}, {"messages", Json::array({std::move(message)})}};
}

std::string take(Texts& arguments, const char* name) {
    const auto found = arguments.extract(name);
    return found ? found.mapped() : "";
}

Json get_pipeline_prompt(const Settings& settings, Texts arguments) {
    const std::string build_dir = take(arguments, "build_dir");
    const std::string name = take(arguments, "pipeline");
    if (!arguments.empty()) {
        throw Error("prompt 'pipeline' has no argument '{}'", arguments.begin()->first);
    }
    const Place place = open_build_tree(
        settings, build_dir.empty() ? Json::object() : Json{{"build_dir", build_dir}});
    const auto& plans = place.tree->plans();
    const auto plan =
        name.empty() ? plans.begin() : std::ranges::find(plans, name, &pipeline::Plan::pipeline);
    if (plan == plans.end()) {
        throw Error("there is no pipeline '{}' in '{}'", name, place.tree->directory().native());
    }
    return message_of(pipeline_entry()["description"].get<std::string>(),
                      pipeline_prompt(*place.engine, *place.tree, *plan, settings.helper));
}

}  // namespace

Json list_prompts() {
    Json list = Json::array();
    for (const Prompt& prompt : prompts()) {
        list.push_back(to_entry(prompt));
    }
    list.push_back(pipeline_entry());
    return {{"prompts", std::move(list)}};
}

Json prompt_arguments(const Json& params) {
    const std::string name = string_member(params, "name");
    const Json arguments = params.value("arguments", Json::object());
    if (!arguments.is_object() ||
        !std::ranges::all_of(arguments, [](const Json& value) { return value.is_string(); })) {
        throw ProtocolError(k_invalid_params, "'arguments' is no object of strings");
    }
    return {{"name", name}, {"arguments", arguments}};
}

Json get_prompt(const Settings& settings, const Json& arguments) {
    const auto name = json_get<std::string>(arguments, "name");
    const auto texts = json_get<Texts>(arguments, "arguments");
    if (name == k_pipeline) {
        return get_pipeline_prompt(settings, texts);
    }
    const Prompt* prompt = find_prompt(name);
    if (prompt == nullptr) {
        throw Error("prompt '{}' is unknown", name);
    }
    return message_of(prompt->description, fill_prompt(*prompt, texts));
}

}  // namespace mstage::agent
