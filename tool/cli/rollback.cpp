#include "pipeline/rollback.hpp"

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"
#include "pipeline/forecast.hpp"
#include "pipeline/generation.hpp"

namespace mstage::cli {

namespace {

using pipeline::CheckpointChange;
using pipeline::HistoryEvent;
using pipeline::TreeChange;

struct Options {
    std::string checkpoint;
    std::string to;
    bool undo = false;
    bool unpin = false;
    bool dry_run = false;
    bool json = false;
};

void check(const Options& options) {
    const int given =
        (options.to.empty() ? 0 : 1) + (options.undo ? 1 : 0) + (options.unpin ? 1 : 0);
    if (given > 1) {
        throw with_hint(UsageError("only one of '--to', '--undo' and '--unpin' makes sense"),
                        "mstage rollback --help");
    }
    if (options.undo != options.checkpoint.empty()) {
        throw with_hint(options.undo ? UsageError("'--undo' takes back the last rollback, of "
                                                  "whatever checkpoint: '{}' is too much",
                                                  options.checkpoint)
                                     : UsageError("which checkpoint to go back to?"),
                        "mstage rollback --help");
    }
}

TreeChange change_for(const Options& options, const Workplace& place) {
    engine::Engine& engine = *place.engine;
    if (options.undo) {
        return pipeline::undo(engine, *place.tree);
    }
    const auto point = pipeline::get_checkpoint_name(*place.tree, options.checkpoint);
    if (options.unpin) {
        return pipeline::unpin(point);
    }
    if (options.to.empty()) {
        return pipeline::roll_back(engine, *place.tree, point);
    }
    return pipeline::put_back(
        engine, point,
        pipeline::find_generation(engine, *point.plan, point.checkpoint, options.to,
                                  std::chrono::system_clock::now()));
}

/// The plans that the next build is about: those of the configurations that are changed.
std::vector<const pipeline::Plan*> plans_of(const Options& options, const TreeChange& change,
                                            const Workplace& place) {
    std::set<std::optional<std::string>> configs;
    if (!options.checkpoint.empty()) {
        configs.insert(pipeline::get_checkpoint_name(*place.tree, options.checkpoint).plan->config);
    }
    for (const pipeline::Plan& plan : place.tree->plans()) {
        if (std::ranges::find(change.checkpoints, plan.state_dir, &CheckpointChange::state_dir) !=
            change.checkpoints.end()) {
            configs.insert(plan.config);
        }
    }
    std::vector<const pipeline::Plan*> found;
    for (const pipeline::Plan& plan : place.tree->plans()) {
        if (configs.contains(plan.config)) {
            found.push_back(&plan);
        }
    }
    return found;
}

std::string full_name(const CheckpointChange& one, const Workplace& place) {
    for (const pipeline::Plan& plan : place.tree->plans()) {
        if (plan.state_dir == one.state_dir) {
            return plan.full_name(one.checkpoint);
        }
    }
    return one.checkpoint;
}

const char* word_for(const CheckpointChange& one) {
    if (one.event == HistoryEvent::unpinned) {
        return "unpin";
    }
    return one.marker ? "put back" : "drop";
}

std::string to_line(const CheckpointChange& one, const Workplace& place) {
    const auto image = one.marker ? std::optional(one.marker->image) : one.was;
    return fmt::format("{:<8}  {}{}{}", word_for(one), full_name(one, place),
                       image ? "  " + image->str() : "", one.pin ? "  (pinned)" : "");
}

Json to_json(const CheckpointChange& one, const Workplace& place) {
    return {{"checkpoint", full_name(one, place)},
            {"event", to_string(one.event)},
            {"image", one.marker ? Json(one.marker->image.str()) : Json()},
            {"was", json_or_null(one.was)},
            {"pinned", one.pin.has_value()}};
}

struct Foreseen {
    std::string name;
    pipeline::CheckpointForecast forecast;
};

std::vector<Foreseen> foresee(const Options& options, const TreeChange& change,
                              const Workplace& place) {
    pipeline::Forecast look(*place.engine);
    const auto plans = plans_of(options, change, place);
    for (const pipeline::Plan* plan : plans) {
        look.assume(*plan, pipeline::state_after(change, *plan));
    }
    std::vector<Foreseen> found;
    for (const pipeline::Plan* plan : plans) {
        for (pipeline::CheckpointForecast& one : look.all(*plan)) {
            std::string name = plan->full_name(one.checkpoint);
            found.push_back({std::move(name), std::move(one)});
        }
    }
    return found;
}

std::string reason_of(const pipeline::CheckpointForecast& forecast) {
    if (forecast.pinned) {
        return forecast.image_lost ? "  (pinned to an image that the store has lost)"
                                   : "  (pinned)";
    }
    if (forecast.image_lost) {
        return "  (the store has lost its image)";
    }
    return forecast.retired ? "  (was rolled back, so it is not restored)" : "";
}

std::string to_line(const Foreseen& one) {
    const auto& image = one.forecast.image;
    return fmt::format("  {:<7}  {}{}{}", to_string(one.forecast.action), one.name,
                       image ? "  " + image->str() : "", reason_of(one.forecast));
}

Json to_json(const Foreseen& one) {
    return {{"checkpoint", one.name},
            {"action", to_string(one.forecast.action)},
            {"image", json_or_null(one.forecast.image)},
            {"key", json_or_null(one.forecast.key)},
            {"retired", one.forecast.retired},
            {"pinned", one.forecast.pinned},
            {"image_lost", one.forecast.image_lost}};
}

void report(const Options& options, const TreeChange& change, const Workplace& place) {
    std::vector<Foreseen> foreseen;
    if (options.dry_run) {
        foreseen = foresee(options, change, place);
    }
    if (options.json) {
        Json changes = Json::array();
        for (const CheckpointChange& one : change.checkpoints) {
            changes.push_back(to_json(one, place));
        }
        Json next = Json::array();
        for (const Foreseen& one : foreseen) {
            next.push_back(to_json(one));
        }
        print_line(dump_json({{"title", change.title},
                              {"dry_run", options.dry_run},
                              {"changes", std::move(changes)},
                              {"next_build", options.dry_run ? std::move(next) : Json()}}));
        return;
    }
    if (options.undo) {
        print_line((options.dry_run ? "would take back: " : "taken back: ") + change.title);
    }
    if (change.checkpoints.empty()) {
        print_line("nothing is built behind it");
    }
    for (const CheckpointChange& one : change.checkpoints) {
        print_line(to_line(one, place));
    }
    if (options.dry_run && !foreseen.empty()) {
        print_line("the next build would:");
        for (const Foreseen& one : foreseen) {
            print_line(to_line(one));
        }
    }
}

}  // namespace

int run_rollback(const Arguments& arguments) {
    VerbParser parser("rollback");
    Options options;
    parser.argument("CHECKPOINT", options.checkpoint, "The checkpoint to go back to",
                    VerbParser::Needed::no);
    parser.option("--to", "GENERATION", options.to,
                  "Make it what it was: @-1, a UUID, a time or how long ago (2h); pins it");
    parser.flag("--undo", options.undo, "Take back the last rollback; again: the one before");
    parser.flag("--unpin", options.unpin, "Let the next build decide what the checkpoint is");
    parser.flag("-n,--dry-run", options.dry_run,
                "Change nothing; say what would be, and what the next build would do");
    parser.flag("--json", options.json, "Print JSON");
    parser.footer(
        "Without an option all that is made from the checkpoint is dropped, and the next build\n"
        "runs it again, in this build tree only. Images stay in the store.");
    if (!parser.read(arguments)) {
        return k_good;
    }
    check(options);
    const Workplace place(parser.common);
    const std::filesystem::path build_dir = place.build_tree().plans().front().build_dir;
    if (options.dry_run) {
        pipeline::finish_change(build_dir);
        report(options, change_for(options, place), place);
        return k_good;
    }
    pipeline::TreeTurn turn(build_dir);
    const TreeChange change = change_for(options, place);
    if (options.undo) {
        turn.undo(change);
    } else {
        turn.make(change);
    }
    report(options, change, place);
    return k_good;
}

}  // namespace mstage::cli
