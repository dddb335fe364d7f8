#include "agent/prompts.hpp"

#include <algorithm>

#include "agent/markdown.hpp"
#include "agent/templates.hpp"
#include "base/error.hpp"
#include "base/json.hpp"
#include "base/template.hpp"

namespace mstage::agent {

namespace {

PromptParameter read_parameter(const Json& json) {
    return {.name = json_get<std::string>(json, "name"),
            .description = json_get<std::string>(json, "description"),
            .default_value = json_find<std::string>(json, "default"),
            .required = json_find<bool>(json, "required").value_or(false)};
}

Prompt read_prompt(const std::string& name, std::string_view text) {
    constexpr std::string_view k_end_of_header = "\n---\n";
    const size_t end = text.find(k_end_of_header);
    if (end == std::string_view::npos) {
        throw Error("there is no line '---'");
    }
    const Json header = parse_json(text.substr(0, end), "the header");
    Prompt prompt{.name = name,
                  .title = json_get<std::string>(header, "title"),
                  .description = json_get<std::string>(header, "description"),
                  .parameters = {},
                  .body = text.substr(end + k_end_of_header.size())};
    for (const Json& parameter : json_get<Json>(header, "parameters")) {
        prompt.parameters.push_back(read_parameter(parameter));
    }
    return prompt;
}

std::vector<Prompt> read_prompts() {
    std::vector<Prompt> found;
    for (const Template& file : templates()) {
        const std::string name(name_below(file.name, "prompts/"));
        if (!name.empty()) {
            found.push_back(with_context(fmt::format("template '{}'", file.name),
                                         [&] { return read_prompt(name, file.text); }));
        }
    }
    return found;
}

bool is_blank(const std::string& text) {
    return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

/// "it takes: source (required), test_cmd (default: pytest)"
std::string parameters_text(const Prompt& prompt) {
    std::string text;
    for (const PromptParameter& parameter : prompt.parameters) {
        text += (text.empty() ? "it takes: " : ", ") + parameter.name;
        if (parameter.required) {
            text += " (required)";
        } else if (parameter.default_value) {
            text += fmt::format(" (default: {})", *parameter.default_value);
        }
    }
    return text;
}

void check_arguments(const Prompt& prompt, const std::map<std::string, std::string>& arguments) {
    std::string faults;
    const auto blame = [&](const char* what, const std::string& name) {
        faults += fmt::format("{}parameter '{}' is {}", faults.empty() ? "" : ", ", name, what);
    };
    for (const PromptParameter& parameter : prompt.parameters) {
        const auto argument = arguments.find(parameter.name);
        if (parameter.required && argument == arguments.end()) {
            blame("missing", parameter.name);
        } else if (parameter.required && is_blank(argument->second)) {
            blame("empty", parameter.name);
        }
    }
    for (const auto& [name, value] : arguments) {
        if (std::ranges::find(prompt.parameters, name, &PromptParameter::name) ==
            prompt.parameters.end()) {
            blame("unknown", name);
        }
    }
    if (!faults.empty()) {
        throw with_hint(UsageError("prompt '{}': {}", prompt.name, faults),
                        parameters_text(prompt));
    }
}

}  // namespace

const std::vector<Prompt>& prompts() {
    static const std::vector<Prompt> k_prompts = read_prompts();
    return k_prompts;
}

const Prompt* find_prompt(std::string_view name) {
    const auto found = std::ranges::find(prompts(), name, &Prompt::name);
    return found == prompts().end() ? nullptr : &*found;
}

std::string fill_prompt(const Prompt& prompt, const std::map<std::string, std::string>& arguments) {
    check_arguments(prompt, arguments);
    std::map<std::string, std::string> values;
    for (const PromptParameter& parameter : prompt.parameters) {
        const auto argument = arguments.find(parameter.name);
        if (argument != arguments.end() && !is_blank(argument->second)) {
            values[parameter.name] = as_code(argument->second);
        } else {
            values[parameter.name] =
                parameter.default_value ? as_code(*parameter.default_value) : "none";
        }
    }
    return fill_template(prompt.body, values);
}

}  // namespace mstage::agent
