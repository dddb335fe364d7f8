#include "pipeline/failure_report.hpp"

#include <cstring>

#include "base/error.hpp"
#include "base/file_end.hpp"
#include "base/text.hpp"
#include "pipeline/checkpoint.hpp"

namespace mstage::pipeline {

namespace {

constexpr size_t k_shown_lines = 20;
constexpr size_t k_shown_columns = 400;
/// Enough for that many lines; a log can be gigabytes.
constexpr size_t k_tail_bytes = 64 * 1024;

/// What was written over in a line is not to be seen on a terminal either.
std::string last_writing(std::string_view line) {
    const size_t end = line.find_last_not_of('\r');
    line = line.substr(0, end == std::string_view::npos ? 0 : end + 1);
    return std::string(line.substr(line.rfind('\r') + 1));
}

/// A command line that does `verb` to a checkpoint (with "@failed", say, behind it).
std::string helper_command(const std::string& helper, const Plan& plan, const std::string& verb,
                           const std::string& checkpoint) {
    return fmt::format("{} -C {} {} {}{}.{}", shell_quote(helper),
                       shell_quote(plan.build_dir.native()), verb,
                       plan.config ? "--config " + shell_quote(*plan.config) + " " : "",
                       plan.pipeline, checkpoint);
}

/// The checkpoints from `name` on backwards, as far as they and their images are there.
std::vector<RollbackPoint> rollback_points(engine::Engine& engine, const std::string& helper,
                                           const Plan& plan, std::string name) {
    std::vector<RollbackPoint> points;
    while (true) {
        const auto checkpoint = read_checkpoint(plan, name);
        if (const auto image = checkpoint ? engine.find(checkpoint->image) : std::nullopt) {
            points.push_back({.checkpoint = name,
                              .image = image->id,
                              .created = image->created,
                              .size = engine.size_of(*image),
                              .rollback_command = helper_command(helper, plan, "rollback", name),
                              .build_command = plan.build_command_for("rollback-", name),
                              .shell_command = helper_command(helper, plan, "shell", name)});
        }
        const Stage* maker = plan.stage_of_checkpoint(name);
        if (maker == nullptr) {
            return points;
        }
        name = maker->from;
    }
}

std::string what_happened(const FailureReport& report) {
    return report.outcome.ok() && !report.leaks.empty()
               ? fmt::format("left a secret where it is to be found (after {})",
                             human_duration(report.outcome.usage.wall))
               : describe_end(report.outcome, report.timeout);
}

std::string indented(const std::string& text, const char* prefix) {
    std::string out;
    for (const std::string& line : split(text, '\n')) {
        out += prefix + line + "\n";
    }
    return out;
}

size_t width_of(const std::vector<RollbackPoint>& points) {
    size_t width = 0;
    for (const RollbackPoint& point : points) {
        width = std::max(width, point.checkpoint.size());
    }
    return width;
}

/// Where one can go on from; nothing when there is nowhere.
std::string points_text(const std::vector<RollbackPoint>& points, TimePoint now) {
    std::string text = points.empty() ? "" : "\n  rollback points that remain:\n";
    for (const RollbackPoint& point : points) {
        text += fmt::format("    {:{}}  {}  {} ago, {}\n", point.checkpoint, width_of(points),
                            point.image.str(), human_duration(now - point.created),
                            human_size(point.size));
    }
    return text;
}

/// How to make stages behind one of the points, from number `first` on, run again.
std::string ways_back(const std::vector<RollbackPoint>& points, size_t first) {
    std::string text = points.size() > first ? "\n  to go further back before that, to\n" : "";
    for (size_t i = first; i < points.size(); ++i) {
        text += fmt::format("    {0:{1}}  {2}\n    {3:{1}}  {4}\n", points[i].checkpoint,
                            width_of(points), points[i].rollback_command, "or",
                            points[i].build_command);
    }
    return text;
}

std::string resumption_text(const std::vector<RollbackPoint>& points,
                            const std::string& resume_command, TimePoint now) {
    if (points.empty()) {
        return "";
    }
    return points_text(points, now) +
           fmt::format("\n  to resume from '{}', mend the cause and run:\n    {}\n",
                       points.front().checkpoint, resume_command) +
           ways_back(points, 1);
}

FailureReport make_report(engine::Engine& engine, const std::string& helper, const Plan& plan,
                          const Task& task, const engine::RunResult& result) {
    return {.pipeline = plan.pipeline,
            .config = plan.config,
            .name = task.name,
            .from = task.from,
            .checkpoint = {},
            .command = task.command,
            .outcome = result.outcome,
            .timeout = task.timeout,
            .last_lines = shown_end(read_end_of_file(result.log, k_tail_bytes)),
            .note = result.note,
            .log = result.log.native(),
            .failed_state = result.failed_state,
            .leaks = result.leaks,
            .rollback_points = rollback_points(engine, helper, plan, task.from),
            .resume_command = {},
            .shell_command = {},
            .now = std::chrono::system_clock::now()};
}

std::string test_resumption_text(const std::vector<RollbackPoint>& points,
                                 const std::string& shell_command,
                                 const std::string& resume_command, TimePoint now) {
    return fmt::format("    to look around in another:  {}\n", shell_command) +
           points_text(points, now) +
           fmt::format("\n  to try again, mend the cause and run:\n    {}\n", resume_command) +
           ways_back(points, 0);
}

/// In a regular expression of CTest's.
std::string test_pattern(const std::string& name) {
    std::string pattern = "^";
    for (const char c : name) {
        pattern += std::string(c == '.' || c == '+' ? "\\" : "") + c;
    }
    return pattern + "$";
}

}  // namespace

std::string test_command(const Plan& plan, const Task& test) {
    return fmt::format("ctest --test-dir {}{} -R {} --output-on-failure",
                       shell_quote(plan.build_dir.native()),
                       plan.config ? " -C " + shell_quote(*plan.config) : "",
                       shell_quote(test_pattern(test.name)));
}

std::string shown_end(const std::string& output) {
    std::string text;
    for (const std::string& line : split(last_lines(output, k_shown_lines), '\n')) {
        text += (text.empty() ? "" : "\n") + last_writing(line);
    }
    return cut_lines(escape_control(text), k_shown_columns);
}

std::string describe_end(const engine::Outcome& outcome, std::chrono::nanoseconds timeout) {
    const std::string wall = human_duration(outcome.usage.wall);
    if (outcome.ok()) {
        return "ran in " + wall;
    }
    if (outcome.interrupted_by) {
        return fmt::format("was interrupted (signal {}, {}) after {}", *outcome.interrupted_by,
                           ::strsignal(*outcome.interrupted_by), wall);
    }
    if (outcome.timed_out) {
        return fmt::format("was ended by its time-out of {}", human_duration(timeout));
    }
    if (outcome.code > 128 && outcome.code <= 128 + 64) {
        return fmt::format("failed with signal {} ({}) after {}", outcome.code - 128,
                           ::strsignal(outcome.code - 128), wall);
    }
    return fmt::format("failed with exit code {} after {}", outcome.code, wall);
}

std::string leaks_text(const std::vector<engine::Leak>& leaks) {
    std::string text = leaks.empty() ? "" : "  secrets, or what gives them away, are in:\n";
    for (const engine::Leak& leak : leaks) {
        text += fmt::format("    {} (secret '{}'", escape_control(leak.path), leak.secret);
        text += leak.cache.empty()
                    ? ")\n"
                    : fmt::format(", in cache '{0}': mstage caches --rm {0})\n", leak.cache);
    }
    return text;
}

FailureReport make_failure_report(engine::Engine& engine, const std::string& helper,
                                  const Plan& plan, const Stage& stage,
                                  const engine::RunResult& result) {
    FailureReport report = make_report(engine, helper, plan, stage, result);
    report.checkpoint = stage.checkpoint;
    report.live = stage.live;
    report.resume_command = plan.build_command(stage.checkpoint);
    if (report.failed_state) {
        report.shell_command = helper_command(helper, plan, "shell", stage.checkpoint + "@failed");
    }
    return report;
}

FailureReport make_test_report(engine::Engine& engine, const std::string& helper, const Plan& plan,
                               const Task& test, const engine::RunResult& result) {
    FailureReport report = make_report(engine, helper, plan, test, result);
    report.kind = FailureReport::Kind::test;
    report.live = true;
    report.resume_command = test_command(plan, test);
    report.shell_command = helper_command(helper, plan, "shell", test.from);
    return report;
}

std::string describe_breakdown(engine::Engine& engine, const std::string& helper, const Plan& plan,
                               const Stage& stage, const Error& error) {
    std::string text =
        fmt::format("mstage: error: stage '{}' of pipeline '{}' could not be run: {}\n", stage.name,
                    plan.pipeline, escape_control(error.message()));
    const auto* system = dynamic_cast<const SysError*>(&error);
    const bool is_full =
        system != nullptr && (system->number() == ENOSPC || system->number() == EDQUOT);
    if (is_full && error.hint().empty()) {
        text += "  that file system is full: make room there\n";
    } else if (!error.hint().empty()) {
        text += fmt::format("  {}\n", escape_control(error.hint()));
    }
    return text + resumption_text(rollback_points(engine, helper, plan, stage.from),
                                  plan.build_command(stage.checkpoint),
                                  std::chrono::system_clock::now());
}

Json to_json(const FailureReport& report) {
    Json points = Json::array();
    for (const RollbackPoint& point : report.rollback_points) {
        points.push_back({{"checkpoint", point.checkpoint},
                          {"image", point.image.str()},
                          {"created", format_time(point.created)},
                          {"size_bytes", point.size},
                          {"rollback_command", point.rollback_command},
                          {"build_command", point.build_command},
                          {"shell_command", point.shell_command}});
    }
    const auto& outcome = report.outcome;
    const bool is_test = report.kind == FailureReport::Kind::test;
    return {
        {"version", 2},
        {"pipeline", report.pipeline},
        {"config", report.config ? Json(*report.config) : Json()},
        {"stage", is_test ? Json() : Json(report.name)},
        {"test", is_test ? Json(report.name) : Json()},
        {"from", report.from},
        {"checkpoint", report.checkpoint ? Json(*report.checkpoint) : Json()},
        {"command", report.command},
        {"exit_code", outcome.code},
        {"timed_out", outcome.timed_out},
        {"interrupted_by", outcome.interrupted_by ? Json(*outcome.interrupted_by) : Json()},
        {"end", what_happened(report)},
        {"last_lines", report.last_lines},
        {"note", report.note},
        {"log", report.log},
        {"failed_state", json_or_null(report.failed_state)},
        {"leaks", engine::to_json(report.leaks)},
        {"rollback_points", std::move(points)},
        {"shell_command", report.shell_command},
        {"resume_command", report.resume_command},
    };
}

std::string to_text(const FailureReport& report) {
    const bool is_test = report.kind == FailureReport::Kind::test;
    std::string text =
        fmt::format("mstage: error: {} '{}' of pipeline '{}' {}\n", is_test ? "test" : "stage",
                    report.name, report.pipeline, what_happened(report));
    text += "\n  command:\n" +
            indented(cut_lines(escape_control(report.command), k_shown_columns), "    ");
    if (report.live) {
        text += "  its output is above\n";
    } else if (!report.last_lines.empty()) {
        text += "  last lines of its output:\n" + indented(report.last_lines, "    | ");
    }
    if (!report.note.empty()) {
        text += fmt::format("  note: {}\n", report.note);
    }
    text += fmt::format("  log: {}\n", report.log);
    text += leaks_text(report.leaks);
    if (!is_test) {
        text += report.failed_state
                    ? fmt::format("  failed state: {}\n    to look around in it:  {}\n",
                                  report.failed_state->str(), report.shell_command)
                    : "  failed state: none is kept, for there is a secret in it\n";
        return text + resumption_text(report.rollback_points, report.resume_command, report.now);
    }
    return text + fmt::format("  it ran on a copy of '{}', which is as it was\n", report.from) +
           test_resumption_text(report.rollback_points, report.shell_command, report.resume_command,
                                report.now);
}

std::string describe_forks_end(engine::Engine& engine, const std::string& helper, const Plan& plan,
                               const Task& test) {
    return fmt::format("  each ran on a copy of '{}', which is as it was\n", test.from) +
           test_resumption_text(rollback_points(engine, helper, plan, test.from),
                                helper_command(helper, plan, "shell", test.from),
                                test_command(plan, test), std::chrono::system_clock::now());
}

}  // namespace mstage::pipeline
