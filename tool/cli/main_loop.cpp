#include "cli/main_loop.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/command_line.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

const std::vector<Verb>& verbs() {
    static const std::vector<Verb> k_verbs = {
        {"status", "Show the checkpoints of a build tree", run_status},
        {"run", "Run a command on an image", run_run},
        {"images", "List the images of the store", run_images},
        {"tag", "List, set and remove tags", run_tag},
        {"import", "Bring a base image into the store", run_import},
        {"ls", "List files of an image", run_ls},
        {"cat", "Print files of an image", run_cat},
        {"cp", "Copy files out of an image", run_cp},
        {"scan", "Scan the source of a pipeline (for build tools)", run_scan},
        {"stage", "Make one stage of a pipeline (for build tools)", run_stage},
    };
    return k_verbs;
}

namespace {

std::string general_help() {
    std::string text =
        "Usage: mstage [-C DIR] VERB [ARGUMENTS]\n\n"
        "Multi-stage builds with rollback points.\n\nVerbs:\n";
    for (const Verb& verb : verbs()) {
        text += fmt::format("  {:<8} {}\n", verb.name, verb.summary);
    }
    return text +
           "\nAn image is a checkpoint of the build tree (build-complete, app.build-complete,\n"
           "build-complete@failed), a UUID or the start of one, or tag:NAME.\n\n"
           "Options:\n"
           "  -C DIR      Stand in DIR\n"
           "  --version   Print the version\n"
           "  --help      Print this; 'mstage VERB --help' tells about a verb\n\n"
           "Environment:\n"
           "  MSTAGE_STORE   Where images are kept (default ~/.local/share/mstage)\n";
}

/// The nearest verb by letters that differ, for a slip of the finger.
std::string suggestion(const std::string& word) {
    const auto is_near = [&](const Verb& verb) {
        const std::string name = verb.name;
        return name.starts_with(word) || word.starts_with(name) ||
               (name.size() == word.size() && std::ranges::is_permutation(name, word));
    };
    const auto near = std::ranges::find_if(verbs(), is_near);
    return near == verbs().end() ? "'mstage --help' lists the verbs"
                                 : fmt::format("did you mean '{}'?", near->name);
}

}  // namespace

int run(const std::vector<std::string>& arguments) {
    Arguments before;  // -C may stand before the verb too
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
        if (word != "-C" || next + 1 == arguments.size()) {
            throw with_hint(UsageError("option '{}' is unknown here or lacks its value", word),
                            "mstage --help");
        }
        before.insert(before.end(), {word, arguments[++next]});
    }
    if (next == arguments.size()) {
        throw with_hint(UsageError("a verb is missing"), "mstage --help");
    }
    const std::string& name = arguments[next];
    const auto verb = std::ranges::find(verbs(), name, &Verb::name);
    if (verb == verbs().end()) {
        throw with_hint(UsageError("verb '{}' is unknown", name), suggestion(name));
    }
    Arguments rest = before;
    rest.insert(rest.end(), arguments.begin() + static_cast<std::ptrdiff_t>(next) + 1,
                arguments.end());
    return verb->run(rest);
}

}  // namespace mstage::cli
