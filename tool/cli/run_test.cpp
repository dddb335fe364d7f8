#include "cli/run_test.hpp"

#include <unistd.h>

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file_end.hpp"
#include "base/text.hpp"
#include "cli/ctest.hpp"
#include "cli/verbs.hpp"
#include "pipeline/checkpoint.hpp"
#include "pipeline/failure_report.hpp"
#include "pipeline/test_forks.hpp"

namespace mstage::cli {

namespace {

using pipeline::TestFork;

/// So many failures are told one by one, and so many of their logs are sent along.
constexpr size_t k_told_failures = 20;
constexpr size_t k_attached_logs = 5;
constexpr size_t k_shown_lines = 20;
constexpr size_t k_shown_bytes = 64 * 1024;

int run_once(const pipeline::Plan& plan, const pipeline::Test& test, bool for_ctest) {
    const auto engine = open_engine(plan.store);
    const pipeline::RunContext context = make_run_context(*engine);
    const engine::RunResult result = skip_if_unavailable(
        [&] { return pipeline::run_test(context, plan, test, pass_on(OutTo::out)); });
    const int code = exit_code_of(result);
    if (!result.ok()) {
        write_all(STDERR_FILENO, pipeline::report_test(context, plan, test, result));
    }
    if (for_ctest) {
        report_to_ctest(result, pipeline::get_checkpoint(plan, test.from).image, test.name);
    }
    return code;
}

std::vector<TestFork> run_all_forks(const pipeline::Plan& plan, const pipeline::Test& test) {
    return pipeline::run_forks(test.repeat, test.at_once, [&] {
        const auto engine = open_engine(plan.store);
        pipeline::RunContext context = make_run_context(*engine);
        context.note = {};  // that one waits for another's cache is what they are there for
        engine::RunResult result = pipeline::run_test(context, plan, test, {});
        if (!result.ok()) {
            pipeline::report_test(context, plan, test, result);
        }
        return result;
    });
}

/// "2 x exit code 1, 1 x time-out".
std::string kinds_of(const std::vector<const TestFork*>& failed) {
    std::map<std::string, size_t> kinds;
    for (const TestFork* fork : failed) {
        ++kinds[pipeline::describe_end(*fork)];
    }
    std::string text;
    for (const auto& [kind, count] : kinds) {
        text += fmt::format("{}{} x {}", text.empty() ? "" : ", ", count, kind);
    }
    return text;
}

std::string line_about(const TestFork& fork) {
    if (!fork.result) {
        return fmt::format("  fork {}: not run: {}\n", fork.number, fork.breakdown);
    }
    return fmt::format("  fork {}: {} after {}, log: {}\n", fork.number,
                       pipeline::describe_end(fork),
                       human_duration(fork.result->outcome.usage.wall), fork.result->log.native());
}

/// The end of what the first of them wrote that wrote anything.
std::string output_text(const std::vector<const TestFork*>& failed) {
    for (const TestFork* fork : failed) {
        const std::string lines =
            fork->result
                ? last_lines(read_end_of_file(fork->result->log, k_shown_bytes), k_shown_lines)
                : "";
        if (lines.empty()) {
            continue;
        }
        std::string text = fmt::format("  last lines of fork {}'s output:\n", fork->number);
        for (const std::string& line : split(lines, '\n')) {
            text += "    | " + line + "\n";
        }
        return text;
    }
    return "";
}

std::string failures_text(const pipeline::Test& test, const std::vector<const TestFork*>& failed,
                          size_t count) {
    std::string text = fmt::format("mstage: error: test '{}': {} of {} forks failed: {}\n",
                                   test.name, failed.size(), count, kinds_of(failed));
    const size_t told = std::min(failed.size(), k_told_failures);
    for (size_t i = 0; i < told; ++i) {
        text += line_about(*failed[i]);
    }
    if (failed.size() > told) {
        text += fmt::format("  and {} more\n", failed.size() - told);
    }
    return text + output_text(failed);
}

std::string success_text(const pipeline::Test& test, const std::vector<TestFork>& forks) {
    const auto [shortest, longest] = std::ranges::minmax(
        forks, {}, [](const TestFork& fork) { return fork.result->outcome.usage.wall; });
    return fmt::format("mstage: test '{}': {} of {} forks passed, in {} to {} each\n", test.name,
                       forks.size(), forks.size(),
                       human_duration(shortest.result->outcome.usage.wall),
                       human_duration(longest.result->outcome.usage.wall));
}

CTestReport report_of(const std::vector<TestFork>& forks,
                      const std::vector<const TestFork*>& failed, const engine::ImageId& image) {
    engine::Usage longest;
    engine::Usage sum;
    for (const TestFork& fork : forks) {
        const engine::Usage usage = fork.result ? fork.result->outcome.usage : engine::Usage{};
        longest.wall = std::max(longest.wall, usage.wall);
        longest.peak_memory = std::max(longest.peak_memory, usage.peak_memory);
        sum.user += usage.user;
        sum.system += usage.system;
    }
    const auto seconds = [](std::chrono::nanoseconds time) {
        return std::chrono::duration<double>(time).count();
    };
    CTestReport report;
    report.number("forks", static_cast<double>(forks.size()));
    report.number("failed_forks", static_cast<double>(failed.size()));
    report.number("longest_wall_s", seconds(longest.wall));
    report.number("user_s", seconds(sum.user));
    report.number("system_s", seconds(sum.system));
    report.number("peak_memory_bytes", static_cast<double>(longest.peak_memory));
    report.text("image", image.str());
    for (size_t i = 0; i < std::min(failed.size(), k_attached_logs); ++i) {
        if (failed[i]->result) {
            report.attach(fmt::format("log of fork {}", failed[i]->number), failed[i]->result->log);
        }
    }
    return report;
}

int run_repeatedly(const pipeline::Plan& plan, const pipeline::Test& test, bool for_ctest) {
    const engine::ImageId image = pipeline::get_checkpoint(plan, test.from).image;
    const std::vector<TestFork> forks =
        skip_if_unavailable([&] { return run_all_forks(plan, test); });
    std::vector<const TestFork*> failed;
    for (const TestFork& fork : forks) {
        if (!fork.ok()) {
            failed.push_back(&fork);
        }
    }
    if (failed.empty()) {
        print(success_text(test, forks));
    } else {
        const auto engine = open_engine(plan.store);
        const std::string helper = make_run_context(*engine).helper;
        write_all(STDERR_FILENO,
                  escape_control(failures_text(test, failed, forks.size()), KeepColours::yes) +
                      pipeline::describe_forks_end(*engine, helper, plan, test));
    }
    if (for_ctest) {
        report_of(forks, failed, image).print();
    }
    return failed.empty() ? k_good : k_failed;
}

}  // namespace

engine::OutputSink pass_on(OutTo where) {
    return [where](engine::Stream stream, std::string_view data) {
        if (stream == engine::Stream::out && where == OutTo::out) {
            write_output(data);
        } else {
            write_all(STDERR_FILENO, data);
        }
    };
}

int exit_code_of(const engine::RunResult& result) {
    if (!result.leaks.empty()) {
        write_all(STDERR_FILENO,
                  "mstage: error: the command left a secret where it is to be found\n" +
                      pipeline::leaks_text(result.leaks));
    }
    if (result.outcome.timed_out) {
        print_error_line(fmt::format(
            "mstage: error: the command was ended by its time-out after {}; its log: {}",
            human_duration(result.outcome.usage.wall), result.log.native()));
        return k_timed_out;
    }
    if (result.outcome.interrupted_by) {
        return k_signal_base + *result.outcome.interrupted_by;
    }
    return result.outcome.ok() && !result.leaks.empty() ? k_failed : result.outcome.code;
}

void report_to_ctest(const engine::RunResult& result, const engine::ImageId& image,
                     const std::string& what) {
    CTestReport report;
    report.run(result);
    report.text("image", image.str());
    if (!result.ok()) {
        print_error_line(fmt::format("mstage: log of {}: {}", what, result.log.native()));
        report.attach("log", result.log);
    }
    report.print();
}

int run_test_of_plan(const std::string& plan_path, const std::string& name, bool for_ctest) {
    const pipeline::Plan plan = pipeline::read_plan(plan_path);
    const pipeline::Test& test = plan.test(name);
    return test.repeat == 1 ? run_once(plan, test, for_ctest)
                            : run_repeatedly(plan, test, for_ctest);
}

}  // namespace mstage::cli
