#include "pipeline/stage_runner.hpp"

#include "base/end_signals.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "pipeline/checkpoint.hpp"
#include "pipeline/deliveries.hpp"
#include "pipeline/failure_report.hpp"
#include "pipeline/failures.hpp"
#include "pipeline/history.hpp"
#include "pipeline/pins.hpp"
#include "pipeline/running.hpp"
#include "pipeline/stage_key.hpp"
#include "pipeline/test_runs.hpp"
#include "pipeline/tree_change.hpp"

namespace mstage::pipeline {

namespace {

using engine::ImageId;

engine::RunRequest request_for(const RunContext& context, const Plan& plan, const Task& task,
                               const ImageId& image) {
    engine::RunRequest request{.image = image, .source_root = plan.source};
    request.source_workdir = plan.workdir;
    request.argv = {"/bin/sh", "-c", task.command};
    request.command_line = task.command;
    request.environment = task_environment(task);
    request.pass_through = context.proxies;
    request.authorities = context.authorities;
    request.workdir = task.workdir;
    request.user = task.user;
    request.caches = task.caches;
    if (!task.secrets.empty()) {
        request.secrets = context.read_secrets(task.secrets);
    }
    request.note = context.note;
    request.network = task.network ? engine::Network::on : engine::Network::off;
    request.timeout = task.timeout;
    return request;
}

double seconds(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}

/// The marker, and before it the line in the history; neither when the marker says the same already.
/// `how` has what the checkpoint has not.
void mark(const Plan& plan, const Checkpoint& checkpoint, HistoryEntry how) {
    if (read_checkpoint(plan, checkpoint.name) == checkpoint) {
        return;
    }
    how.checkpoint = checkpoint.name;
    how.image = checkpoint.image;
    how.parent = checkpoint.parent;
    how.key = checkpoint.key;
    append_history(plan, {how});
    write_new_checkpoint(plan, checkpoint);
}

/// Marker and dependency file; an earlier failure is no longer the last word. What that takes, up to
/// the line in the history, belongs to the last phase.
void finish(const RunContext& context, const Plan& plan, const Checkpoint& checkpoint,
            std::vector<std::string> watched, HistoryEntry how, engine::PhaseTimer& timer) {
    // Should the store lose the image, the build tool sees this file missing and makes the stage
    // again.
    watched.push_back(context.engine.witness(checkpoint.image).native());
    write_depfile(plan, plan.depfile_path(checkpoint.name), plan.marker_path(checkpoint.name),
                  watched);
    timer.extend_last();
    how.phases = timer.phases();
    mark(plan, checkpoint, std::move(how));
    end_failures(plan, checkpoint.name);
}

std::string line_about(const Plan& plan, const Checkpoint& checkpoint, const std::string& how) {
    return fmt::format("mstage: {} is {} ({})", plan.full_name(checkpoint.name),
                       checkpoint.image.str(), how);
}

/// A pinned checkpoint stays what it is, and every build looks at it, to say so.
StageResult keep_pinned(const RunContext& context, const Plan& plan, const Pin& pin) {
    const std::string& name = pin.checkpoint.name;
    const std::string unpin =
        fmt::format("{} -C {} rollback --unpin {}", shell_quote(context.helper),
                    shell_quote(plan.build_dir.native()), plan.full_name(name));
    if (!context.engine.find(pin.checkpoint.image)) {
        throw with_hint(Error("checkpoint '{}' is pinned to image {}, which the store has lost",
                              plan.full_name(name), pin.checkpoint.image.str()),
                        unpin);
    }
    write_depfile(plan, plan.depfile_path(name), plan.marker_path(name), {never_there(plan)});
    mark(plan, pin.checkpoint, {.event = HistoryEvent::restored, .pinned = true});
    const auto age = std::chrono::system_clock::now() - pin.since;
    return {
        .ok = true,
        .text = line_about(plan, pin.checkpoint,
                           fmt::format("pinned {} ago; to let go: {}", human_duration(age), unpin)),
        .interrupted_by = {}};
}

/// Markers say what was built, maybe with another store than that of now.
void require_image(const RunContext& context, const Plan& plan, const std::string& checkpoint,
                   const ImageId& image) {
    if (!context.engine.find(image)) {
        throw with_hint(
            Error("checkpoint '{}' is image {}, which is not in this store: expected '{}'",
                  plan.full_name(checkpoint), image.str(), context.engine.witness(image).native()),
            fmt::format("set MSTAGE_STORE to the store that it was built with, or remove "
                        "{}/*.checkpoint and build again",
                        shell_quote(plan.state_dir.native())));
    }
}

/// The build tool has seen the checkpoint, or it would not have come to the stage: what is not there
/// any more has gone since.
void require_not_dropped(const Plan& owner, const std::string& checkpoint, const Plan& plan,
                         const Stage& stage) {
    if (read_checkpoint(owner, checkpoint)) {
        return;
    }
    const std::vector<HistoryEntry> history = read_history(owner, checkpoint);
    const bool is_dropped =
        !history.empty() &&
        (history.back().event == HistoryEvent::dropped ||
         (history.back().event == HistoryEvent::undone && !history.back().image));
    if (is_dropped) {
        const auto age = std::chrono::system_clock::now() - history.back().time;
        throw with_hint(Error("checkpoint '{}' was rolled back {} ago, while this build went on",
                              owner.full_name(checkpoint), human_duration(age)),
                        "run the build again: " + plan.build_command(stage.checkpoint));
    }
}

void write_report(const engine::RunResult& result, const FailureReport& report) {
    write_file_atomically(result.log.parent_path() / "report.json",
                          dump_json_indented(to_json(report)));
}

StageResult run_command(const RunContext& context, const Plan& plan, const Stage& stage,
                        Checkpoint checkpoint, const Json& key_parts,
                        std::vector<engine::ImageCopy> copies, engine::PhaseTimer& timer) {
    engine::RunRequest request = request_for(context, plan, stage, *checkpoint.parent);
    // From here until it succeeds there is no such checkpoint, however we end.
    remove_checkpoint(plan, stage.checkpoint);
    request.inputs_digest = json_get<std::string>(key_parts, "inputs");
    request.inputs_file = plan.inputs_path(stage.name);
    request.copies = std::move(copies);
    request.disposable = false;
    request.origin = fmt::format("stage {}/{}", plan.pipeline, stage.name);
    request.key = checkpoint.key;
    request.key_parts = key_parts;
    request.phases = timer.phases();
    if (stage.live) {
        request.live = context.terminal;
    }
    RunningMark running(plan, stage.checkpoint);
    request.on_start = [&running](const engine::RunId& run, const std::filesystem::path& log) {
        running.set_run(run, log);
    };
    const engine::RunResult result = context.engine.run(request);
    timer.go_on_from(result.phases);
    if (!result.ok()) {
        if (result.failed_state) {
            write_failure(plan, stage.checkpoint, {result.run, *result.failed_state});
        }
        append_history(plan, {{.checkpoint = stage.checkpoint,
                               .event = HistoryEvent::failed,
                               .image = result.failed_state,
                               .parent = checkpoint.parent,
                               .key = checkpoint.key,
                               .run = result.run,
                               .duration_s = seconds(result.outcome.usage.wall),
                               .phases = timer.phases(),
                               .end = end_of(result.outcome)}});
        remove_leftovers(context.engine, plan, stage.checkpoint);
        const FailureReport report =
            make_failure_report(context.engine, context.helper, plan, stage, result);
        write_report(result, report);
        if (result.failed_state) {
            deliver_artifacts(context.engine, plan, stage, *result.failed_state, context.note);
        }
        return {
            .ok = false, .text = to_text(report), .interrupted_by = result.outcome.interrupted_by};
    }
    checkpoint.image = *result.result_image;
    context.engine.set_key(*checkpoint.key, checkpoint.image);
    unretire(plan, *checkpoint.key);
    finish(context, plan, checkpoint, {},
           {.event = HistoryEvent::ran,
            .run = result.run,
            .duration_s = seconds(result.outcome.usage.wall)},
           timer);
    deliver_artifacts(context.engine, plan, stage, checkpoint.image, context.note);
    return {
        .ok = true,
        .text = line_about(plan, checkpoint, "ran in " + human_duration(result.outcome.usage.wall)),
        .interrupted_by = {}};
}

/// Whether the marker says already what is asked for. The store may have another image of the same
/// key by now, from another build tree: that is no reason to change to it.
bool is_current(const RunContext& context, const Plan& plan, Checkpoint& checkpoint) {
    const auto marker = read_checkpoint(plan, checkpoint.name);
    if (!marker || marker->parent != checkpoint.parent || marker->key != checkpoint.key ||
        !context.engine.find(marker->image)) {
        return false;
    }
    checkpoint.image = marker->image;
    return true;
}

StageResult look_up_or_run(const RunContext& context, const Plan& plan, const Stage& stage,
                           Checkpoint checkpoint, const Json& parts,
                           std::vector<engine::ImageCopy> copies, engine::PhaseTimer& timer) {
    const auto finish_as = [&](HistoryEvent event, const std::string& how) {
        timer.end("restore");
        finish(context, plan, checkpoint, {}, {.event = event}, timer);
        deliver_artifacts(context.engine, plan, stage, checkpoint.image, context.note);
        return StageResult{
            .ok = true, .text = line_about(plan, checkpoint, how), .interrupted_by = {}};
    };
    if (is_current(context, plan, checkpoint)) {
        return finish_as(HistoryEvent::restored, "unchanged");
    }
    bool has_waited = false;
    const auto lock = context.engine.lock_key(*checkpoint.key, [&] {
        has_waited = true;
        timer.end("key");
        context.note(fmt::format("{}: waiting for another build that makes the same stage",
                                 plan.full_name(stage.checkpoint)));
    });
    const auto known = context.engine.find_key(*checkpoint.key);
    timer.end(has_waited ? "wait" : "key");
    if (known && !is_retired(plan, *checkpoint.key)) {
        checkpoint.image = *known;
        return finish_as(HistoryEvent::restored, "restored");
    }
    require_image(context, plan, stage.from, *checkpoint.parent);
    return run_command(context, plan, stage, std::move(checkpoint), parts, std::move(copies),
                       timer);
}

}  // namespace

StageResult set_up_base(const RunContext& context, const Plan& plan) {
    const FileLock hold = hold_checkpoints(plan.build_dir);
    if (const auto pin = read_pin(plan, k_setup_base)) {
        return keep_pinned(context, plan, *pin);
    }
    const auto before = read_checkpoint(plan, k_setup_base);
    const RunningMark running(plan, k_setup_base);
    engine::PhaseTimer timer;
    const engine::Base base = context.engine.base(plan.base, engine::Refresh::no);
    for (const std::string& warning : base.warnings) {
        context.note("warning: " + warning);
    }
    std::vector<std::string> watched;
    for (const auto& path : base.watched) {
        watched.push_back(path.native());
    }
    const Checkpoint checkpoint{.name = k_setup_base, .image = base.image, .parent = {}, .key = {}};
    timer.end("import");
    HistoryEntry entry{.event = HistoryEvent::restored};
    if (base.imported) {
        entry.event = HistoryEvent::imported;
        entry.duration_s = seconds(timer.phases().back().duration);
    }
    finish(context, plan, checkpoint, std::move(watched), std::move(entry), timer);
    std::string how = base.imported ? "imported " + plan.base : plan.base;
    if (before && before->image != base.image) {
        how += ", before it was " + before->image.str();
    }
    return {.ok = true, .text = line_about(plan, checkpoint, how), .interrupted_by = {}};
}

StageResult run_stage(const RunContext& context, const Plan& plan, const Stage& stage) {
    const FileLock hold = hold_checkpoints(plan.build_dir);
    if (const auto pin = read_pin(plan, stage.checkpoint)) {
        return keep_pinned(context, plan, *pin);
    }
    engine::PhaseTimer timer;
    require_not_dropped(plan, stage.from, plan, stage);
    for (const StageCopy& copy : stage.copies) {
        require_not_dropped(copy.plan ? read_plan(*copy.plan) : plan, copy.checkpoint, plan, stage);
    }
    const ImageId parent = get_checkpoint(plan, stage.from).image;
    const std::string inputs = engine::inputs_digest(plan.inputs_path(stage.name));
    std::vector<engine::ImageCopy> copies = present_copies(plan, stage);
    const Json parts = stage_key_parts(plan, stage, context.engine.name(), parent, inputs, copies);
    Checkpoint checkpoint{
        .name = stage.checkpoint, .image = parent, .parent = parent, .key = stage_key(parts)};
    try {
        return look_up_or_run(context, plan, stage, std::move(checkpoint), parts, std::move(copies),
                              timer);
    } catch (const UsageError&) {
        throw;
    } catch (const Interrupted&) {
        throw;
    } catch (const Error& error) {
        return {.ok = false,
                .text = describe_breakdown(context.engine, context.helper, plan, stage, error),
                .interrupted_by = {}};
    }
}

engine::RunResult run_test(const RunContext& context, const Plan& plan, const Task& test,
                           const engine::OutputSink& live) {
    finish_change(plan.build_dir);
    engine::RunRequest request = with_context(fmt::format("test '{}'", test.name), [&] {
        return request_for(context, plan, test, get_checkpoint(plan, test.from).image);
    });
    require_image(context, plan, test.from, request.image);
    request.origin = fmt::format("test {}", test.name);
    request.streams = engine::Streams::separate;
    request.live = live;
    engine::RunResult result = context.engine.run(request);
    append_test_run(plan, {.time = std::chrono::system_clock::now(),
                           .test = test.name,
                           .image = request.image,
                           .run = result.run,
                           .outcome = result.outcome,
                           .passed = result.ok()});
    return result;
}

std::string report_test(const RunContext& context, const Plan& plan, const Task& test,
                        const engine::RunResult& result) {
    const FailureReport report =
        make_test_report(context.engine, context.helper, plan, test, result);
    write_report(result, report);
    return to_text(report);
}

}  // namespace mstage::pipeline
