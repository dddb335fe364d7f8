#include "cli/main_loop.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/command_line.hpp"
#include "cli/exit_code.hpp"
#include "cli/suggestion.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

const std::vector<Verb>& verbs() {
    static const std::vector<Verb> k_verbs = {
        {"status", "Show the checkpoints of a build tree", run_status},
        {"watch", "Follow the stages that are being made", run_watch},
        {"history", "Show what became of the checkpoints", run_history},
        {"rollback", "Go back to a checkpoint, or to an earlier generation of one", run_rollback},
        {"why", "Show why a stage ran last, and why it would run now", run_why},
        {"report", "Write a page about a pipeline, or a trace of its last build", run_report},
        {"run", "Run a command on an image", run_run},
        {"shell", "Open a shell in an image, as its stage ran", run_shell},
        {"images", "List the images of the store", run_images},
        {"tag", "List, set and remove tags", run_tag},
        {"caches", "List and remove caches of runs", run_caches},
        {"import", "Bring a base image into the store", run_import},
        {"export", "Write an image as a container image", run_export},
        {"ls", "List files of an image", run_ls},
        {"cat", "Print files of an image", run_cat},
        {"cp", "Copy files out of an image", run_cp},
        {"diff", "Show how the files of two images differ", run_diff},
        {"lineage", "Show what an image was made from, or what from it", run_lineage},
        {"prompt", "Print instructions for an agent", run_prompt},
        {"mcp", "Serve agents over the Model Context Protocol", run_mcp},
        {"compile-commands", "Take a compile_commands.json out of an image", run_compile_commands},
        {"completion", "Print a shell's completion script", run_completion},
        {"scan", "Scan the source of a pipeline (for build tools)", run_scan},
        {"stage", "Make one stage of a pipeline (for build tools)", run_stage},
        {"__complete", "Answer a completion script", run_complete, Listed::no},
        {"__manual", "Print the manual page", run_manual, Listed::no},
    };
    return k_verbs;
}

const std::vector<OptionDescription>& general_options() {
    static const std::vector<OptionDescription> k_options = {
        {{"-C"}, "DIR", "Stand in DIR", "Options"},
        {{"--config"}, "CONFIG", "Of a build tree with several: this configuration", "Options"},
        {{"--version"}, "", "Print the version", "Options"},
        {{"--help", "-h"}, "", "Print help; 'mstage VERB --help' tells about a verb", "Options"},
    };
    return k_options;
}

const std::vector<VariableDescription>& environment_variables() {
    static const std::vector<VariableDescription> k_variables = {
        {"MSTAGE_STORE", "Where images are kept, absolute (default ~/.local/share/mstage)"},
    };
    return k_variables;
}

const char* const k_image_references =
    "An image is a checkpoint of the build tree (build-complete, app.build-complete,\n"
    "build-complete@-1 for the one before, build-complete@failed, @failed-1), a UUID or the\n"
    "start of one, or tag:NAME.";

namespace {

std::string general_help() {
    std::string text =
        "Usage: mstage [-C DIR] VERB [ARGUMENTS]\n\n"
        "Multi-stage builds with rollback points.\n\nVerbs:\n";
    for (const Verb& verb : verbs()) {
        if (verb.listed == Listed::yes) {
            text += fmt::format("  {:<16} {}\n", verb.name, verb.summary);
        }
    }
    text += fmt::format("\n{}\n\nOptions:\n", k_image_references);
    for (const OptionDescription& option : general_options()) {
        text += fmt::format("  {:<15} {}\n",
                            fmt::format("{} {}", option.names.front(), option.value), option.help);
    }
    text += "\nEnvironment:\n";
    for (const VariableDescription& variable : environment_variables()) {
        text += fmt::format("  {:<15} {}\n", variable.name, variable.help);
    }
    return text;
}

std::string suggestion(const std::string& word) {
    std::vector<std::string> names;
    for (const Verb& verb : verbs()) {
        if (verb.listed == Listed::yes) {
            names.emplace_back(verb.name);
        }
    }
    const auto near = suggestion_for(word, names);
    return near ? fmt::format("did you mean '{}'?", *near) : "'mstage --help' lists the verbs";
}

}  // namespace

int run(const std::vector<std::string>& arguments) {
    Arguments before;  // -C and --config may stand before the verb too
    size_t next = 0;
    for (; next < arguments.size() && arguments[next].starts_with('-'); ++next) {
        const std::string& word = arguments[next];
        if (word == "--help" || word == "-h") {
            print(general_help());
            return k_good;
        }
        if (word == "--version") {
            print_line(fmt::format("mstage {}", MSTAGE_VERSION));
            return k_good;
        }
        if ((word != "-C" && word != "--config") || next + 1 == arguments.size()) {
            throw with_hint(UsageError("option '{}' is unknown here or lacks its value", word),
                            "mstage --help");
        }
        before.insert(before.end(), {word, arguments[++next]});
    }
    if (next == arguments.size()) {
        throw with_hint(UsageError("a verb is missing"), "mstage --help");
    }
    // As many write it.
    const bool is_help = arguments[next] == "help";
    if (is_help && next + 1 == arguments.size()) {
        print(general_help());
        return k_good;
    }
    const std::string& name = arguments[next + (is_help ? 1 : 0)];
    const auto verb = std::ranges::find(verbs(), name, &Verb::name);
    if (verb == verbs().end()) {
        throw with_hint(UsageError("verb '{}' is unknown", name), suggestion(name));
    }
    if (is_help) {
        return verb->run({"--help"});
    }
    Arguments rest = before;
    rest.insert(rest.end(), arguments.begin() + static_cast<std::ptrdiff_t>(next) + 1,
                arguments.end());
    return verb->run(rest);
}

}  // namespace mstage::cli
