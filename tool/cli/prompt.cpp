#include "agent/guide.hpp"
#include "agent/prompts.hpp"
#include "base/json.hpp"
#include "cli/exit_code.hpp"
#include "cli/suggestion.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

namespace {

using agent::Prompt;
using agent::PromptParameter;

struct Options {
    std::string prompt;
    std::vector<std::string> arguments;
    std::optional<std::string> pipeline;
    std::string guide;
    bool json = false;
};

Json to_json(const PromptParameter& parameter) {
    return {{"name", parameter.name},
            {"description", parameter.description},
            {"required", parameter.required},
            {"default", json_or_null(parameter.default_value)}};
}

Json to_json(const Prompt& prompt) {
    Json parameters = Json::array();
    for (const PromptParameter& parameter : prompt.parameters) {
        parameters.push_back(to_json(parameter));
    }
    return {{"name", prompt.name},
            {"title", prompt.title},
            {"description", prompt.description},
            {"parameters", std::move(parameters)}};
}

std::string to_text(const PromptParameter& parameter) {
    const std::string standard =
        parameter.default_value ? fmt::format(" (default: {})", *parameter.default_value) : "";
    return fmt::format("    {:<15} {}{}\n", parameter.name, parameter.description,
                       parameter.required ? " (required)" : standard);
}

void list(const Options& options) {
    Json prompts = Json::array();
    Json sections = Json::array();
    std::string text;
    for (const Prompt& prompt : agent::prompts()) {
        prompts.push_back(to_json(prompt));
        text += fmt::format("{:<19} {}\n", prompt.name, prompt.description);
        for (const PromptParameter& parameter : prompt.parameters) {
            text += to_text(parameter);
        }
    }
    text += "\nguide:";
    for (const agent::GuideSection& section : agent::guide()) {
        sections.push_back({{"name", section.name}, {"title", section.title}});
        text += " " + section.name;
    }
    if (options.json) {
        print_line(dump_json({{"prompts", std::move(prompts)}, {"guide", std::move(sections)}}));
    } else {
        print_line(text);
    }
}

template <typename T>
UsageError unknown(const char* what, const std::string& name, const std::vector<T>& known) {
    std::vector<std::string> names;
    for (const T& one : known) {
        names.push_back(one.name);
    }
    const auto near = suggestion_for(name, names);
    return with_hint(UsageError("{} '{}' is unknown", what, name),
                     near ? fmt::format("did you mean '{}'?", *near)
                          : "'mstage prompt' lists prompts and sections of the guide");
}

std::map<std::string, std::string> read_arguments(const std::vector<std::string>& words) {
    std::map<std::string, std::string> arguments;
    for (const std::string& word : words) {
        const size_t equals = word.find('=');
        if (equals == std::string::npos) {
            throw with_hint(UsageError("'{}' is no PARAMETER=VALUE", word), "mstage prompt --help");
        }
        const std::string name = word.substr(0, equals);
        if (!arguments.emplace(name, word.substr(equals + 1)).second) {
            throw UsageError("parameter '{}' is there twice", name);
        }
    }
    return arguments;
}

/// The text in a document with what else there is to say about it, or alone.
void show(const Options& options, Json about, std::string_view text) {
    if (options.json) {
        about["text"] = std::string(text);
        print_line(dump_json(about));
    } else {
        write_output(text);
    }
}

void show_prompt(const Options& options) {
    const Prompt* prompt = agent::find_prompt(options.prompt);
    if (prompt == nullptr) {
        throw unknown("prompt", options.prompt, agent::prompts());
    }
    show(options, to_json(*prompt), fill_prompt(*prompt, read_arguments(options.arguments)));
}

void show_guide(const Options& options) {
    const agent::GuideSection* section = agent::find_guide_section(options.guide);
    if (section == nullptr) {
        throw unknown("section of the guide", options.guide, agent::guide());
    }
    show(options, {{"name", section->name}, {"title", section->title}}, section->text);
}

void show_pipeline(const Options& options, const CommonOptions& common) {
    const Workplace place(common);
    const pipeline::Plan& plan = plan_named(place.build_tree(), *options.pipeline);
    show(options, {{"pipeline", plan.pipeline}, {"config", json_or_null(plan.config)}},
         agent::pipeline_prompt(*place.engine, *place.tree, plan, own_name()));
}

void check(const Options& options) {
    const int wanted = (options.prompt.empty() ? 0 : 1) + (options.pipeline ? 1 : 0) +
                       (options.guide.empty() ? 0 : 1);
    if (wanted > 1) {
        throw with_hint(UsageError("only one of a prompt, '--pipeline' and '--guide' makes sense"),
                        "mstage prompt --help");
    }
}

}  // namespace

int run_prompt(const Arguments& arguments) {
    VerbParser parser("prompt");
    Options options;
    parser.argument("PROMPT", options.prompt, "The instructions to print (default: list them)",
                    VerbParser::Needed::no);
    parser.arguments("PARAMETER=VALUE", options.arguments, "What to fill in",
                     VerbParser::Needed::no);
    parser.option_or_flag("--pipeline", "PIPELINE", options.pipeline,
                          "Those for a pipeline of the build tree, as it is (default: its first)");
    parser.option("--guide", "SECTION", options.guide, "A section of the guide for agents");
    parser.flag("--json", options.json, "Print JSON");
    parser.footer(
        "Values are filled in to the letter; an empty one counts as none. The same instructions\n"
        "for a pipeline: ninja PIPELINE.prompt.");
    if (!parser.read(arguments)) {
        return k_good;
    }
    check(options);
    if (options.pipeline) {
        show_pipeline(options, parser.common);
    } else if (!options.guide.empty()) {
        show_guide(options);
    } else if (!options.prompt.empty()) {
        show_prompt(options);
    } else {
        list(options);
    }
    return k_good;
}

}  // namespace mstage::cli
