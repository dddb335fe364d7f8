#include "agent/mcp/completion.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "agent/guide.hpp"
#include "agent/mcp/message.hpp"
#include "agent/mcp/resources.hpp"
#include "agent/prompts.hpp"
#include "agent/tools/arguments.hpp"

namespace mstage::agent {

namespace {

namespace fs = std::filesystem;

constexpr size_t k_most_values = 100;  // of the protocol

/// What the client has typed, and what it has chosen for other arguments.
struct Question {
    std::string argument;
    std::string typed;
    std::map<std::string, std::string> chosen;
};

const Json& object_in(const Json& object, const char* name) {
    const auto member = object.find(name);
    if (member == object.end() || !member->is_object()) {
        throw ProtocolError(k_invalid_params, fmt::format("'{}' is missing, or no object", name));
    }
    return *member;
}

Question question_from(const Json& params) {
    const Json& argument = object_in(params, "argument");
    Question question{string_member(argument, "name"), string_member(argument, "value"), {}};
    if (params.contains("context")) {
        const Json& context = object_in(params, "context");
        if (context.contains("arguments")) {
            for (const auto& [name, value] : object_in(context, "arguments").items()) {
                question.chosen[name] = value.is_string() ? value.get<std::string>() : "";
            }
        }
    }
    return question;
}

void add_images(const Settings& settings, std::vector<std::string>& values) {
    const Place place = settings.open(std::nullopt);
    for (const auto& [tag, image] : place.engine->tags()) {
        values.push_back("tag:" + tag);
    }
    if (place.tree) {
        for (const pipeline::Plan& plan : place.tree->plans()) {
            for (const pipeline::Stage& stage : plan.stages) {
                values.push_back(plan.full_name(stage.checkpoint));
            }
        }
    }
}

/// Names of images as import_image takes them: without "tag:".
void add_tags(const Settings& settings, std::vector<std::string>& values) {
    for (const auto& [tag, image] : settings.open(std::nullopt).engine->tags()) {
        values.push_back(tag);
    }
}

void add_directories(const Settings& settings, const std::string& typed,
                     std::vector<std::string>& values) {
    for (const fs::path& root : settings.roots.directories()) {
        values.push_back(root.native());
    }
    std::error_code error;
    const fs::path parent = fs::path(typed).parent_path();
    const fs::path real = fs::canonical(parent, error);
    if (error || !settings.roots.holds(real)) {
        return;
    }
    for (const auto& entry : fs::directory_iterator(parent, error)) {
        if (entry.is_directory(error)) {
            values.push_back(entry.path().native());
        }
    }
}

void add_paths(const Settings& settings, const Question& question,
               std::vector<std::string>& values) {
    const auto image = question.chosen.find("image");
    if (image == question.chosen.end()) {
        return;
    }
    const Place place = settings.open(std::nullopt);
    const std::string directory =
        "/" + fs::path(question.typed).relative_path().parent_path().native();
    const engine::Image found =
        get_image_argument(settings, place, {{"image", image->second}}, "image");
    const bool with_slash = question.typed.starts_with('/');
    for (const engine::FileInfo& file : place.engine->list(found, directory, false)) {
        values.push_back(with_slash ? file.path : file.path.substr(1));
    }
}

void add_for_template(const Settings& settings, const Question& question,
                      const OperationFiles& operations, std::vector<std::string>& values) {
    if (question.argument == "image") {
        add_images(settings, values);
    } else if (question.argument == "path") {
        add_paths(settings, question, values);
    } else if (question.argument == "section") {
        for (const GuideSection& section : guide()) {
            values.push_back(section.name);
        }
    } else if (question.argument == "id") {
        operations.for_each({}, [&](const Operation& operation) {
            values.push_back(operation.id);
            return values.size() < k_most_values;
        });
    }
}

void add_for_prompt(const Settings& settings, const Prompt& prompt, const Question& question,
                    const OperationFiles& operations, std::vector<std::string>& values) {
    const auto parameter =
        std::ranges::find(prompt.parameters, question.argument, &PromptParameter::name);
    if (parameter == prompt.parameters.end()) {
        return;
    }
    if (parameter->default_value) {
        values.push_back(*parameter->default_value);
    }
    if (question.argument == "source" || question.argument == "build_dir") {
        add_directories(settings, question.typed, values);
    } else if (question.argument == "image" || question.argument == "base") {
        add_tags(settings, values);
        add_images(settings, values);
    } else if (question.argument == "operation_id") {
        add_for_template(settings, {"id", question.typed, {}}, operations, values);
    }
}

bool is_template(const std::string& uri) {
    const Json templates = list_resource_templates()["resourceTemplates"];
    return std::ranges::any_of(templates,
                               [&](const Json& one) { return one["uriTemplate"] == uri; });
}

}  // namespace

Json complete(const Settings& settings, const OperationFiles& operations, const Json& params) {
    const Json& ref = object_in(params, "ref");
    const std::string type = string_member(ref, "type");
    const Question question = question_from(params);
    std::vector<std::string> values;
    if (type == "ref/prompt") {
        const std::string name = string_member(ref, "name");
        const Prompt* prompt = find_prompt(name);
        if (name == "pipeline") {
            if (question.argument == "build_dir") {
                add_directories(settings, question.typed, values);
            }
        } else if (prompt == nullptr) {
            throw ProtocolError(k_invalid_params, fmt::format("prompt '{}' is unknown", name));
        }
        if (prompt != nullptr) {
            add_for_prompt(settings, *prompt, question, operations, values);
        }
    } else if (type == "ref/resource") {
        const std::string uri = string_member(ref, "uri");
        if (!is_template(uri)) {
            throw ProtocolError(k_invalid_params,
                                fmt::format("resource template '{}' is unknown", uri));
        }
        add_for_template(settings, question, operations, values);
    } else {
        throw ProtocolError(k_invalid_params, fmt::format("'{}' is no kind of reference", type));
    }
    std::set<std::string> seen;
    std::erase_if(values, [&](const std::string& value) {
        return !value.starts_with(question.typed) || !seen.insert(value).second;
    });
    const size_t total = values.size();
    values.resize(std::min(total, k_most_values));
    return {
        {"completion", {{"values", values}, {"total", total}, {"hasMore", total > k_most_values}}}};
}

}  // namespace mstage::agent
