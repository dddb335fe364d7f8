#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/environment.hpp"
#include "cli/exit_code.hpp"
#include "cli/run_test.hpp"
#include "cli/secrets.hpp"
#include "cli/verbs.hpp"
#include "engine/tag_name.hpp"
#include "pipeline/failure_report.hpp"

namespace mstage::cli {

namespace {

struct ShellOptions {
    std::string image;
    std::vector<std::string> command;
    bool last_attempt = false;
    bool keep = false;
    std::string tag;
    std::vector<std::string> environment;
    std::string workdir;
    std::string user;
    std::vector<std::string> secrets;
    bool no_network = false;

    bool keeps() const { return keep || !tag.empty(); }
};

void declare(VerbParser& parser, ShellOptions& options) {
    parser.argument("IMAGE", options.image,
                    "The image, such as build-complete@failed; a command may follow",
                    VerbParser::Needed::no);
    parser.rest(options.command);
    parser.footer(
        "mstage shell [OPTIONS] IMAGE [--] [COMMAND [ARGUMENT...]]\n\n"
        "The shell finds what the command found that made the image: its environment, working\n"
        "directory, user, caches and network; secrets are to be given again. What it writes is\n"
        "discarded, but for caches.\n"
        "Its exit code is that of mstage.");
    parser.flag("--last-attempt", options.last_attempt,
                "The failed state of a checkpoint if the last attempt at it failed");
    parser.flag("--keep", options.keep, "Make what the shell leaves a new image");
    parser.option("--tag", "NAME", options.tag, "Name the new image; implies --keep");
    parser.options("-e,--env", "NAME=VALUE", options.environment, "Set an environment variable");
    parser.option("-w,--workdir", "PATH", options.workdir, "Another working directory");
    parser.option("-u,--user", "USER[:GROUP]", options.user, "Another user");
    parser.options("--secret", "ID=SOURCE", options.secrets,
                   "A file /run/secrets/ID; SOURCE: env:NAME or file:PATH");
    parser.flag("--no-network", options.no_network, "Without network");
}

/// What the shell is opened in.
struct Place {
    std::string name;
    engine::Image image;
    std::optional<engine::RunRecord> run;  ///< that made it
};

Place find_place(const Workplace& workplace, const ShellOptions& options) {
    engine::Engine& engine = *workplace.engine;
    const engine::ImageId id =
        options.last_attempt ? pipeline::resolve_last_attempt(engine, workplace.tree, options.image)
                             : pipeline::resolve_image(engine, workplace.tree, options.image);
    Place place{.name = options.image, .image = engine.image(id), .run = {}};
    if (place.image.run) {
        place.run = engine.find_run(*place.image.run);
    }
    return place;
}

std::string indented(const std::string& command) {
    std::string text;
    for (const std::string& line : split(escape_control(command), '\n')) {
        text += "    " + line + "\n";
    }
    return text;
}

std::string made_by(const Place& place) {
    const auto age = human_duration(std::chrono::system_clock::now() - place.image.created);
    if (!place.run) {
        return fmt::format("  made by: {}, {} ago\n", escape_control(place.image.origin), age);
    }
    return fmt::format("  made by: {}, which {}, {} ago\n{}  log: {}\n",
                       escape_control(place.run->origin),
                       pipeline::describe_end(place.run->outcome, place.run->timeout), age,
                       indented(place.run->command), place.run->log.native());
}

std::string introduction(const Place& place, const ShellOptions& options) {
    return fmt::format("mstage: a {} of {}, image {}\n{}  leave it with 'exit' or Ctrl-D; {}\n",
                       options.keeps() ? "copy" : "throw-away copy", place.name,
                       place.image.id.str(), made_by(place),
                       options.keeps()
                           ? "what it leaves becomes a new image"
                           : "what it writes is then discarded (--keep makes it an image)");
}

/// What the caller's terminal is, and a prompt that every shell understands. The image may have its
/// own.
std::map<std::string, std::string> terminal_variables(const std::string& name) {
    std::map<std::string, std::string> variables = {
        {"PS1", fmt::format("[{}] $PWD # ", escape_control(name))}};
    for (const char* variable : {"TERM", "COLORTERM"}) {
        if (const char* value = std::getenv(variable)) {
            variables[variable] = value;
        }
    }
    return variables;
}

/// As the run that made the image.
engine::RunRequest request_like(const Place& place) {
    engine::RunRequest request{.image = place.image.id};
    if (place.run) {
        request.environment = place.run->environment;
        request.workdir = place.run->workdir;
        request.user = place.run->user;
        request.caches = place.run->caches;
        request.network = place.run->network;
    }
    return request;
}

/// Keys go to the command when it is there to talk. One whose output goes elsewhere has nobody to
/// talk to, and gets no terminal, whose line ends would be in that.
void choose_streams(engine::RunRequest& request, const ShellOptions& options) {
    const bool is_terminal = ::isatty(STDIN_FILENO) == 1;
    const bool for_people = options.command.empty() || ::isatty(STDOUT_FILENO) == 1;
    request.streams =
        is_terminal && for_people ? engine::Streams::terminal : engine::Streams::separate;
    request.stdin_fd = is_terminal && !for_people ? -1 : STDIN_FILENO;
}

engine::RunRequest request_for(const Place& place, const ShellOptions& options) {
    engine::RunRequest request = request_like(place);
    request.argv = options.command.empty()
                       ? std::vector<std::string>{"/bin/sh", "-c",
                                                  "command -v bash >/dev/null 2>&1 && exec bash; "
                                                  "exec sh"}
                       : options.command;
    request.command_line = options.command.empty() ? "(a shell)" : shell_quote(options.command);
    request.pass_through = proxy_variables();
    request.authorities = authority_variables();
    choose_streams(request, options);
    if (request.streams == engine::Streams::terminal) {
        request.pass_through.merge(terminal_variables(place.name));
    }
    for (const auto& [name, value] : parse_environment(options.environment)) {
        request.environment[name] = value;
    }
    if (!options.workdir.empty()) {
        request.workdir = options.workdir;
    }
    if (!options.user.empty()) {
        engine::check_user_text(options.user);
        request.user = options.user;
    }
    if (options.no_network) {
        request.network = engine::Network::off;
    }
    request.secrets = secrets_from(options.secrets);
    request.disposable = !options.keeps();
    request.keep_in_any_case = options.keeps();
    request.origin = "shell";
    request.live = pass_on(OutTo::out);
    request.note = [](const std::string& text) { print_error_line("mstage: " + text); };
    return request;
}

int run_in(const Workplace& workplace, const Place& place, const ShellOptions& options) {
    const engine::RunResult result = workplace.engine->run(request_for(place, options));
    if (result.result_image) {
        if (!options.tag.empty()) {
            workplace.engine->set_tag(options.tag, *result.result_image);
        }
        print_error_line(fmt::format(
            "mstage: {} {}",
            *result.result_image == place.image.id ? "nothing was changed in image" : "image",
            result.result_image->str()));
    }
    if (!result.leaks.empty()) {
        write_all(STDERR_FILENO,
                  "mstage: error: the shell left a secret where it is to be found\n" +
                      pipeline::leaks_text(result.leaks));
        return k_failed;
    }
    return result.outcome.interrupted_by ? k_signal_base + *result.outcome.interrupted_by
                                         : result.outcome.code;
}

}  // namespace

int run_shell(const Arguments& arguments) {
    VerbParser parser("shell");
    ShellOptions options;
    declare(parser, options);
    // What follows "--" is the command's, dashes and all.
    const auto dashes = std::ranges::find(arguments, "--");
    if (!parser.read(Arguments(arguments.begin(), dashes))) {
        return k_good;
    }
    if (!options.command.empty() && options.command.front().starts_with('-')) {
        throw with_hint(UsageError("mstage shell: option '{}' is unknown", options.command.front()),
                        "mstage shell --help");
    }
    if (dashes != arguments.end()) {
        options.command.insert(options.command.end(), dashes + 1, arguments.end());
    }
    if (options.image.empty()) {
        throw with_hint(UsageError("mstage shell needs an image"), "mstage shell --help");
    }
    if (!options.tag.empty()) {
        engine::check_tag_name(options.tag);
    }
    const Workplace workplace(parser.common);
    const Place place = find_place(workplace, options);
    if (options.command.empty()) {
        write_all(STDERR_FILENO, introduction(place, options));
    }
    return run_in(workplace, place, options);
}

}  // namespace mstage::cli
