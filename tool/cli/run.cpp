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
#include "pipeline/path_mapping.hpp"

namespace mstage::cli {

namespace {

struct RunOptions {
    std::string image;
    std::vector<std::string> command;
    std::string command_line;
    std::vector<std::string> environment;
    std::string workdir;
    std::string user;
    std::vector<std::string> caches;
    std::vector<std::string> secrets;
    double timeout = 0;
    bool no_network = false;
    bool disposable = false;
    bool keep = false;
    std::string tag;
    bool json = false;
    std::vector<std::string> mappings;
    bool ctest = false;
    std::string plan;
    std::string test;
};

void declare(VerbParser& parser, RunOptions& options) {
    parser.argument("IMAGE", options.image, "The image; the command with its arguments follows",
                    VerbParser::Needed::no);
    parser.rest(options.command);
    parser.footer("mstage run [OPTIONS] IMAGE [--] COMMAND [ARGUMENT...]");
    parser.option("-c", "LINE", options.command_line, "A command line for sh, instead of COMMAND");
    parser.options("-e,--env", "NAME[=VALUE]", options.environment,
                   "Set an environment variable, without a value to the caller's");
    parser.option("-w,--workdir", "PATH", options.workdir,
                  "Working directory in the image (default: the image's)");
    parser.option("-u,--user", "USER[:GROUP]", options.user,
                  "Who runs it, by name or id in the image (default: the image's)");
    parser.options("--cache", "DIR[,sharing=HOW][,id=ID]", options.caches,
                   "Mount a directory that outlives the run");
    parser.options("--secret", "ID=SOURCE", options.secrets,
                   "Show a secret as /run/secrets/ID; SOURCE: env:NAME or file:PATH");
    parser.seconds("--timeout", options.timeout, "End the command after that time");
    parser.flag("--no-network", options.no_network, "Without network");
    parser.flag("--disposable", options.disposable,
                "Discard what the command writes (the default)");
    parser.flag("--no-disposable", options.keep, "Make what the command writes a new image");
    parser.option("--tag", "NAME", options.tag, "Name the new image; implies --no-disposable");
    parser.flag("--json", options.json,
                "Print the run's record to stdout; the command's output goes to stderr");
    parser.group("For build tools");
    parser.option("--plan", "FILE", options.plan, "A pipeline's plan.json");
    parser.option("--test", "TEST", options.test,
                  "Run this test of the plan, as often as that says");
    parser.options("--map", "FROM=TO", options.mappings,
                   "In COMMAND, this machine's directory FROM is TO in the image");
    parser.flag("--ctest", options.ctest, "Called by CTest, tell it what the run took, on stderr");
    parser.needs("--plan", "--test");
    parser.needs("--test", "--plan");
}

engine::RunRequest request_from(const RunOptions& options, const engine::ImageId& image) {
    engine::RunRequest request{.image = image};
    const bool line = !options.command_line.empty();
    request.argv =
        line ? std::vector<std::string>{"/bin/sh", "-c", options.command_line} : options.command;
    request.command_line = line ? options.command_line : shell_quote(options.command);
    request.environment = parse_environment(options.environment);
    request.pass_through = proxy_variables();
    request.authorities = authority_variables();
    request.workdir = options.workdir;
    if (!options.user.empty()) {
        engine::check_user_text(options.user);
    }
    request.user = options.user;
    request.caches = engine::parse_caches(options.caches);
    request.secrets = secrets_from(options.secrets);
    request.note = [](const std::string& text) { print_error_line("mstage: " + text); };
    request.network = options.no_network ? engine::Network::off : engine::Network::on;
    request.timeout = std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(options.timeout));
    request.disposable = !options.keep && options.tag.empty();
    request.streams = engine::Streams::separate;
    request.stdin_fd = STDIN_FILENO;
    request.live = pass_on(options.json ? OutTo::err : OutTo::out);
    return request;
}

void print_record(const engine::RunResult& result) {
    print_line(dump_json({
        {"run", result.run.str()},
        {"exit_code", result.outcome.code},
        {"timed_out", result.outcome.timed_out},
        {"wall_s", std::chrono::duration<double>(result.outcome.usage.wall).count()},
        {"peak_memory_bytes", result.outcome.usage.peak_memory},
        {"log", result.log.native()},
        {"result_image", json_or_null(result.result_image)},
        {"filesystem_changed", result.filesystem_changed},
        {"failed_state", json_or_null(result.failed_state)},
        {"leaks", engine::to_json(result.leaks)},
    }));
}

/// Names of this machine become those of the image; where we stand becomes where it runs.
void map_paths(RunOptions& options) {
    if (options.mappings.empty()) {
        return;
    }
    std::vector<pipeline::PathMapping> mappings;
    for (const std::string& text : options.mappings) {
        mappings.push_back(pipeline::parse_path_mapping(text));
    }
    const pipeline::PathMapper mapper(std::move(mappings));
    for (std::string& word : options.command) {
        word = mapper.word(word);
    }
    if (options.workdir.empty()) {
        options.workdir = mapper.directory(std::filesystem::current_path().native()).value_or("");
    }
}

int run_on_image(const CommonOptions& common, const RunOptions& options) {
    const Workplace place(common);
    const engine::ImageId image = place.image(options.image).id;
    const auto run = [&] { return place.engine->run(request_from(options, image)); };
    const engine::RunResult result = options.ctest ? skip_if_unavailable(run) : run();
    if (result.result_image && !options.tag.empty()) {
        place.engine->set_tag(options.tag, *result.result_image);
    }
    if (options.json) {
        print_record(result);
    } else if (result.result_image) {
        print_error_line("mstage: image " + result.result_image->str());
    } else if (result.failed_state) {
        print_error_line("mstage: failed state " + result.failed_state->str());
    }
    const int code = exit_code_of(result);
    if (options.ctest && !result.ok()) {
        print_error_line(fmt::format("mstage: error: the command on '{}' {}", options.image,
                                     pipeline::describe_end(result.outcome, {})));
    }
    if (options.ctest) {
        report_to_ctest(result, image, options.image);
    }
    return code;
}

}  // namespace

int run_run(const Arguments& arguments) {
    VerbParser parser("run");
    RunOptions options;
    declare(parser, options);
    // What follows "--" is the command's, dashes and all.
    const auto dashes = std::ranges::find(arguments, "--");
    if (!parser.read(Arguments(arguments.begin(), dashes))) {
        return k_good;
    }
    if (options.disposable && (options.keep || !options.tag.empty())) {
        throw UsageError("mstage run: --disposable keeps nothing, so there can be no new image");
    }
    if (!options.tag.empty()) {
        engine::check_tag_name(options.tag);
    }
    if (!options.test.empty()) {
        return run_test_of_plan(options.plan, options.test, options.ctest);
    }
    if (!options.command.empty() && options.command.front().starts_with('-')) {
        throw with_hint(UsageError("mstage run: option '{}' is unknown", options.command.front()),
                        "mstage run --help");
    }
    if (dashes != arguments.end()) {
        options.command.insert(options.command.end(), dashes + 1, arguments.end());
    }
    if (!options.command.empty() && !options.command_line.empty()) {
        throw with_hint(UsageError("mstage run: '{}' is one word too many: -c takes the whole "
                                   "command line as one argument",
                                   options.command.front()),
                        fmt::format("quote it: -c {}", shell_quote(options.command_line + " " +
                                                                   shell_quote(options.command))));
    }
    if (options.image.empty() || (options.command.empty() && options.command_line.empty())) {
        throw with_hint(UsageError("mstage run needs an image and a command"), "mstage run --help");
    }
    map_paths(options);
    return run_on_image(parser.common, options);
}

}  // namespace mstage::cli
