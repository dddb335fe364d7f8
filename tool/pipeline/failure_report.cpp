#include "pipeline/failure_report.hpp"

#include <cstring>

#include "base/error.hpp"
#include "base/file_end.hpp"
#include "base/text.hpp"
#include "pipeline/checkpoint.hpp"

namespace mstage::pipeline {

namespace {

constexpr size_t k_shown_lines = 20;
/// Enough for that many lines; a log can be gigabytes.
constexpr size_t k_tail_bytes = 64 * 1024;

/// The checkpoints that the stage stands on, as far as they and their images are there.
std::vector<RollbackPoint> rollback_points(engine::Engine& engine, const Plan& plan,
                                           const Stage& stage) {
    std::vector<RollbackPoint> points;
    std::string name = stage.from;
    while (true) {
        const auto checkpoint = read_checkpoint(plan, name);
        if (const auto image = checkpoint ? engine.find(checkpoint->image) : std::nullopt) {
            points.push_back({name, image->id, image->created, engine.size_of(*image)});
        }
        const Stage* maker = plan.stage_of_checkpoint(name);
        if (maker == nullptr) {
            return points;
        }
        name = maker->from;
    }
}

std::string what_happened(const FailureReport& report) {
    const engine::Outcome& outcome = report.outcome;
    const std::string wall = human_duration(outcome.usage.wall);
    if (outcome.interrupted_by) {
        return fmt::format("was interrupted (signal {}, {}) after {}", *outcome.interrupted_by,
                           ::strsignal(*outcome.interrupted_by), wall);
    }
    if (outcome.timed_out) {
        return fmt::format("was ended by its time-out of {}", human_duration(report.timeout));
    }
    if (outcome.code > 128 && outcome.code <= 128 + 64) {
        return fmt::format("failed with signal {} ({}) after {}", outcome.code - 128,
                           ::strsignal(outcome.code - 128), wall);
    }
    if (outcome.ok() && !report.leaks.empty()) {
        return fmt::format("left a secret where it is to be found (after {})", wall);
    }
    return fmt::format("failed with exit code {} after {}", outcome.code, wall);
}

std::string indented(const std::string& text, const char* prefix) {
    std::string out;
    for (const std::string& line : split(text, '\n')) {
        out += prefix + line + "\n";
    }
    return out;
}

std::string look_command(const std::string& helper, const Plan& plan, const Stage& stage) {
    return fmt::format("{} -C {} run {}{}.{}@failed -- ls -la", shell_quote(helper),
                       shell_quote(plan.build_dir.native()),
                       plan.config ? "--config " + shell_quote(*plan.config) + " " : "",
                       plan.pipeline, stage.checkpoint);
}

/// Where one can go on from; nothing when there is nowhere.
std::string points_text(const std::vector<RollbackPoint>& points, const std::string& resume_command,
                        TimePoint now) {
    if (points.empty()) {
        return "";
    }
    std::string text = "\n  rollback points that remain:\n";
    size_t width = 0;
    for (const RollbackPoint& point : points) {
        width = std::max(width, point.checkpoint.size());
    }
    for (const RollbackPoint& point : points) {
        text +=
            fmt::format("    {:{}}  {}  {} ago, {}\n", point.checkpoint, width, point.image.str(),
                        human_duration(now - point.created), human_size(point.size));
    }
    return text + fmt::format("\n  to resume from '{}', mend the cause and run:\n    {}\n",
                              points.front().checkpoint, resume_command);
}

}  // namespace

FailureReport make_failure_report(engine::Engine& engine, const std::string& helper,
                                  const Plan& plan, const Stage& stage,
                                  const engine::RunResult& result) {
    return {.pipeline = plan.pipeline,
            .config = plan.config,
            .stage = stage.name,
            .checkpoint = stage.checkpoint,
            .command = stage.command,
            .outcome = result.outcome,
            .timeout = stage.timeout,
            .last_lines = last_lines(read_end_of_file(result.log, k_tail_bytes), k_shown_lines),
            .live = stage.live,
            .note = result.note,
            .log = result.log.native(),
            .failed_state = result.failed_state ? result.failed_state->str() : "",
            .leaks = result.leaks,
            .rollback_points = rollback_points(engine, plan, stage),
            .resume_command = plan.build_command(stage.checkpoint),
            .look_command = result.failed_state ? look_command(helper, plan, stage) : "",
            .now = std::chrono::system_clock::now()};
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

std::string describe_breakdown(engine::Engine& engine, const Plan& plan, const Stage& stage,
                               const Error& error) {
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
    return text + points_text(rollback_points(engine, plan, stage),
                              plan.build_command(stage.checkpoint),
                              std::chrono::system_clock::now());
}

Json to_json(const FailureReport& report) {
    Json points = Json::array();
    for (const RollbackPoint& point : report.rollback_points) {
        points.push_back({{"checkpoint", point.checkpoint},
                          {"image", point.image.str()},
                          {"created", format_time(point.created)},
                          {"size_bytes", point.size}});
    }
    const auto& outcome = report.outcome;
    return {
        {"version", 1},
        {"pipeline", report.pipeline},
        {"config", report.config ? Json(*report.config) : Json()},
        {"stage", report.stage},
        {"checkpoint", report.checkpoint},
        {"command", report.command},
        {"exit_code", outcome.code},
        {"timed_out", outcome.timed_out},
        {"interrupted_by", outcome.interrupted_by ? Json(*outcome.interrupted_by) : Json()},
        {"last_lines", report.last_lines},
        {"note", report.note},
        {"log", report.log},
        {"failed_state", report.failed_state},
        {"leaks", engine::to_json(report.leaks)},
        {"rollback_points", std::move(points)},
        {"look_command", report.look_command},
        {"resume_command", report.resume_command},
    };
}

std::string to_text(const FailureReport& report) {
    std::string text = fmt::format("mstage: error: stage '{}' of pipeline '{}' {}\n", report.stage,
                                   report.pipeline, what_happened(report));
    text += "\n  command:\n" + indented(escape_control(report.command), "    ");
    if (report.live) {
        text += "  its output is above\n";
    } else if (!report.last_lines.empty()) {
        text += "  last lines of its output:\n" +
                indented(escape_control(report.last_lines, KeepColours::yes), "    | ");
    }
    if (!report.note.empty()) {
        text += fmt::format("  note: {}\n", report.note);
    }
    text += fmt::format("  log: {}\n", report.log);
    text += leaks_text(report.leaks);
    if (report.failed_state.empty()) {
        text += "  failed state: none is kept, for there is a secret in it\n";
    } else {
        text += fmt::format("  failed state: {}\n", report.failed_state);
        text += fmt::format("    to look at what it left:  {}\n", report.look_command);
    }
    text += points_text(report.rollback_points, report.resume_command, report.now);
    return text;
}

}  // namespace mstage::pipeline
