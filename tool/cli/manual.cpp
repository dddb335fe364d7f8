// `mstage __manual`: the manual page, in the macros of man(7). What it says of verbs and options is
// what their parsers know; the rest is below.

#include <cstdlib>
#include <sstream>

#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

namespace {

/// Plain text as roff has it.
std::string roff(std::string_view text) {
    std::string result;
    for (const char c : text) {
        if (c == '\\') {
            result += "\\e";
        } else {
            result += c == '-' ? "\\-" : std::string(1, c);
        }
    }
    return result;
}

/// The same in lines of a length that the checkers of manual pages want. A line that begins with a
/// dot or a quote would be a request.
std::string prose(std::string_view text) {
    constexpr size_t k_width = 76;
    std::string result;
    size_t column = 0;
    std::istringstream words{roff(text)};
    for (std::string word; words >> word; column += word.size()) {
        const bool breaks = column == 0 || column + 1 + word.size() > k_width;
        if (breaks) {
            result += column == 0 ? "" : "\n";
            result += word.front() == '.' || word.front() == '\'' ? "\\&" : "";
            column = 0;
        } else {
            result += ' ';
            ++column;
        }
        result += word;
    }
    return result + "\n";
}

std::string bold(std::string_view text) {
    return "\\fB" + roff(text) + "\\fR";
}

std::string italic(std::string_view text) {
    return "\\fI" + roff(text) + "\\fR";
}

std::string item(const std::string& term, std::string_view text) {
    return ".TP\n" + term + "\n" + prose(text);
}

std::string section(std::string_view name, const std::string& body) {
    return fmt::format(".SH {}\n{}", name, body);
}

std::string paragraphs(std::initializer_list<std::string_view> texts) {
    std::string result;
    for (const std::string_view text : texts) {
        result += (result.empty() ? "" : ".PP\n") + prose(text);
    }
    return result;
}

std::string option_item(const OptionDescription& option) {
    std::string term;
    for (const std::string& name : option.names) {
        term += (term.empty() ? "" : ", ") + bold(name);
    }
    if (!option.value.empty()) {
        term += " " + italic(option.value);
    }
    return item(term, option.help);
}

/// As usage lines have them. Of "IMAGE:PATH DESTINATION" it is the first that may be repeated.
std::string argument_words(const ArgumentDescription& argument) {
    std::string words;
    for (const std::string& name : split(argument.name, ' ')) {
        const bool repeats = argument.several && words.empty();
        words += (words.empty() ? "" : " ") + italic(name) + (repeats ? "..." : "");
    }
    return argument.needed ? words : "[" + words + "]";
}

std::string verb_section(const Verb& verb) {
    const VerbDescription description = describe(verb);
    std::string usage =
        bold(fmt::format("mstage {}", verb.name)) + " [" + italic("OPTION") + "]...";
    std::string items;
    for (const ArgumentDescription& argument : description.arguments) {
        usage += " " + argument_words(argument);
        items += item(italic(argument.name), argument.help);
    }
    if (description.command_follows) {
        usage += " [" + bold("--") + "] " + italic("COMMAND") + " [" + italic("ARGUMENT") + "]...";
    }
    std::string heading;
    for (const OptionDescription& option : description.options) {
        // Every verb has these, and they are told about once.
        if (option.names.front() == "-C" || option.names.back() == "--help") {
            continue;
        }
        if (option.heading != heading && option.heading != "Options") {
            items += ".PP\n" + roff(option.heading) + ":\n";
        }
        heading = option.heading;
        items += option_item(option);
    }
    std::string text = fmt::format(".SS {}\n{}\n.PP\n{}", verb.name, usage,
                                   prose(std::string(verb.summary) + "."));
    text += items;
    if (!description.footer.empty()) {
        text += ".PP\n" + prose(description.footer);
    }
    return text;
}

std::string verb_sections() {
    std::string text;
    for (const Verb& verb : verbs()) {
        if (verb.listed == Listed::yes) {
            text += verb_section(verb);
        }
    }
    return text;
}

std::string options() {
    std::string text = "These stand before the verb, the first also behind it.\n";
    for (const OptionDescription& option : general_options()) {
        text += option_item(option);
    }
    return text;
}

std::string description() {
    return paragraphs(
        {"mstage is what the CMake module MultiStageBuild has Ninja call: it runs each stage of a\n"
         "pipeline in a sandbox, on the filesystem that the stage before it left, and makes of "
         "the\n"
         "result an immutable image and a checkpoint in the build tree. The module's reference is\n"
         "at the top of MultiStageBuild.cmake.",
         "For people it shows the checkpoints of a build tree, runs commands on throw-away copies\n"
         "of their images, and looks into them. It needs no root, no daemon and no registry."});
}

std::string image_references() {
    return paragraphs({k_image_references,
                       "A checkpoint is looked for in the build tree that mstage stands in; its\n"
                       "pipeline's name goes before it where the first pipeline is not meant.\n"
                       "With @-1 it is what the checkpoint was before what it is now, with @-2\n"
                       "before that (see mstage history).\n"
                       "With @failed it is what the last, failed attempt left. Of a UUID four\n"
                       "digits are enough when no other image begins with them. IMAGE:PATH is a\n"
                       "file of an image; the path is absolute, and links on its way are\n"
                       "followed inside of the image."});
}

std::string environment() {
    std::string text;
    for (const VariableDescription& variable : environment_variables()) {
        text += item(bold(variable.name), variable.help);
    }
    return text +
           item(bold("XDG_DATA_HOME"),
                "Without MSTAGE_STORE, images are kept in the directory mstage below it.") +
           item(bold("http_proxy") + ", " + bold("https_proxy") + ", " + bold("ftp_proxy") + ", " +
                    bold("all_proxy") + ", " + bold("no_proxy"),
                "In either case of letters, these are passed on to commands.");
}

std::string files() {
    return item(italic("~/.local/share/mstage"),
                "The store: layers and manifests of images, tags, logs and records of runs. Only "
                "mstage writes there.") +
           item(italic("BUILD/.mstage/PIPELINE/plan.json"),
                "A pipeline as the CMake module wrote it.") +
           item(italic("BUILD/.mstage/PIPELINE/CHECKPOINT.checkpoint"),
                "The marker of a checkpoint: it is there when its stage was good, and has the "
                "image's UUID.") +
           item(italic("BUILD/.mstage/PIPELINE/history"),
                "What became of the pipeline's checkpoints, a JSON object in each line.");
}

std::string exit_status() {
    const auto entry = [](int code, std::string_view text) {
        return item(bold(fmt::format("{}", code)), text);
    };
    return entry(k_good, "What was asked for is done.") +
           entry(k_failed, "It failed; a message says why.") +
           entry(k_wrong_usage, "The command line is wrong.") + ".PP\n" + bold("mstage run") +
           roff(" passes on the exit status of the command, and besides has\n") +
           entry(k_timed_out, "The command was ended by its time-out.") +
           item(bold(fmt::format("{}", static_cast<int>(k_signal_base))) + "+" + italic("n"),
                "The command was ended by signal n.");
}

std::string example(std::string_view text, std::string_view command) {
    return ".PP\n" + prose(text) + ".PP\n.RS 4\n.nf\n" + roff(command) + "\n.fi\n.RE\n";
}

std::string examples() {
    const std::string text =
        example("The checkpoints of a build tree:", "mstage -C build status") +
        example("A command on a throw-away copy of an image:",
                "mstage -C build run build-complete -- ls -la") +
        example("A shell command line on what a failed stage left:",
                "mstage -C build run build-complete@failed -c 'cat /build/CMakeCache.txt'") +
        example("Back to what a checkpoint was before, and what the next build would then do:",
                "mstage -C build rollback -n deps-installed --to @-1\n"
                "mstage -C build rollback deps-installed --to @-1") +
        example("Files out of an image:", "mstage -C build cp 'build-complete:/build/app*' .") +
        example("A new image, with a tag:",
                "mstage import --tag base debian:bookworm\n"
                "mstage run --tag tools tag:base -c 'apt-get update && apt-get install -y make'") +
        example("Completion in this shell:", "source <(mstage completion bash)");
    return text.substr(text.find('\n') + 1);  // a section begins a paragraph by itself
}

/// Given, so that the same source makes the same page.
TimePoint page_date() {
    const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
    return epoch != nullptr && *epoch != '\0'
               ? std::chrono::system_clock::from_time_t(std::strtoll(epoch, nullptr, 10))
               : std::chrono::system_clock::now();
}

}  // namespace

int run_manual(const Arguments&) {
    print(fmt::format(".TH MSTAGE 1 {} \"mstage {}\" MultiStageBuild\n",
                      format_time(page_date()).substr(0, 10), MSTAGE_VERSION) +
          section("NAME", "mstage \\- multi\\-stage builds with rollback points\n") +
          section("SYNOPSIS", bold("mstage") + " [" + bold("-C") + " " + italic("DIR") + "] " +
                                  italic("VERB") + " [" + italic("ARGUMENT") + "]...\n") +
          section("DESCRIPTION", description()) + section("OPTIONS", options()) +
          section("VERBS", verb_sections()) + section("IMAGE REFERENCES", image_references()) +
          section("ENVIRONMENT", environment()) + section("FILES", files()) +
          section("EXIT STATUS", exit_status()) + section("EXAMPLES", examples()) +
          section("SEE ALSO", ".BR cmake (1),\n.BR ctest (1),\n.BR ninja (1),\n.BR bwrap (1)\n"));
    return k_good;
}

}  // namespace mstage::cli
