#include "pipeline/rollback.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "pipeline/history.hpp"

namespace mstage::pipeline {

namespace {

std::string full_name(const CheckpointName& point) {
    return point.plan->full_name(point.checkpoint);
}

void require_image(engine::Engine& engine, const std::string& name, const engine::ImageId& image) {
    if (!engine.find(image)) {
        throw with_hint(
            Error("'{}' cannot go back to image {}: the store has lost it", name, image.str()),
            fmt::format("'mstage history {}' lists what it has been", name));
    }
}

/// Whether a stage is made from the checkpoint, or from files of it.
bool is_made_from(const Plan& plan, const Stage& stage, const CheckpointName& point) {
    const bool is_same_plan = plan.state_dir == point.plan->state_dir;
    return (is_same_plan && stage.from == point.checkpoint) ||
           std::ranges::any_of(stage.copies, [&](const StageCopy& copy) {
               const auto owner = copy.plan ? copy.plan->parent_path() : plan.state_dir;
               return copy.checkpoint == point.checkpoint && owner == point.plan->state_dir;
           });
}

/// All that is made from the checkpoint, nearest first.
std::vector<CheckpointName> behind(const BuildTree& tree, const CheckpointName& point) {
    std::vector<CheckpointName> found;
    const auto is_known = [&](const Plan& plan, const Stage& stage) {
        return std::ranges::any_of(found, [&](const CheckpointName& one) {
            return one.plan == &plan && one.checkpoint == stage.checkpoint;
        });
    };
    const auto add_behind = [&](const CheckpointName& one) {
        for (const Plan& plan : tree.plans()) {
            for (const Stage& stage : plan.stages) {
                if (is_made_from(plan, stage, one) && !is_known(plan, stage)) {
                    found.push_back({&plan, stage.checkpoint});
                }
            }
        }
    };
    add_behind(point);
    for (size_t next = 0; next < found.size(); ++next) {
        add_behind(CheckpointName(found[next]));
    }
    return found;
}

/// The key that the checkpoint's stage would find. Without a marker, after a failure, that is the
/// last one that was good.
std::optional<std::string> last_key(const CheckpointName& point,
                                    const std::optional<Checkpoint>& marker) {
    if (marker) {
        return marker->key;
    }
    const auto before = read_generations(*point.plan, point.checkpoint, 1);
    return before.empty() ? std::nullopt : before.back().key;
}

void drop(const CheckpointName& point, TreeChange& change) {
    const auto marker = read_checkpoint(*point.plan, point.checkpoint);
    if (marker || read_pin(*point.plan, point.checkpoint)) {
        change.checkpoints.push_back({.state_dir = point.plan->state_dir,
                                      .checkpoint = point.checkpoint,
                                      .marker = {},
                                      .pin = {},
                                      .event = HistoryEvent::dropped,
                                      .was = marker ? std::optional(marker->image) : std::nullopt});
    }
    const auto key = last_key(point, marker);
    if (key && !is_retired(*point.plan, *key)) {
        change.keys.push_back({.state_dir = point.plan->state_dir,
                               .checkpoint = point.checkpoint,
                               .key = *key,
                               .retired = true});
    }
}

}  // namespace

TreeChange roll_back(engine::Engine& engine, const BuildTree& tree, const CheckpointName& point) {
    const Checkpoint marker = get_checkpoint(*point.plan, point.checkpoint);
    require_image(engine, full_name(point), marker.image);
    TreeChange change{.title = "rollback " + full_name(point)};
    for (const CheckpointName& one : behind(tree, point)) {
        drop(one, change);
    }
    return change;
}

TreeChange put_back(engine::Engine& engine, const CheckpointName& point,
                    const Checkpoint& generation) {
    require_image(engine, full_name(point), generation.image);
    TreeChange change{
        .title = fmt::format("rollback {} --to {}", full_name(point), generation.image.str())};
    const auto before = read_checkpoint(*point.plan, point.checkpoint);
    change.checkpoints.push_back({.state_dir = point.plan->state_dir,
                                  .checkpoint = point.checkpoint,
                                  .marker = generation,
                                  .pin = Pin{generation, change.time},
                                  .event = HistoryEvent::rolled_back,
                                  .was = before ? std::optional(before->image) : std::nullopt});
    if (generation.key && is_retired(*point.plan, *generation.key)) {
        change.keys.push_back({.state_dir = point.plan->state_dir,
                               .checkpoint = point.checkpoint,
                               .key = *generation.key,
                               .retired = false});
    }
    return change;
}

TreeChange unpin(const CheckpointName& point) {
    const auto pin = read_pin(*point.plan, point.checkpoint);
    if (!pin) {
        throw with_hint(Error("'{}' is not pinned", full_name(point)),
                        "'mstage status' lists the checkpoints and says which are");
    }
    TreeChange change{.title = "rollback --unpin " + full_name(point)};
    change.checkpoints.push_back({.state_dir = point.plan->state_dir,
                                  .checkpoint = point.checkpoint,
                                  .marker = read_checkpoint(*point.plan, point.checkpoint),
                                  .pin = {},
                                  .event = HistoryEvent::unpinned,
                                  .was = pin->checkpoint.image});
    return change;
}

TreeChange undo(engine::Engine& engine, const BuildTree& tree) {
    auto change = find_undo(tree.plans().front().build_dir);
    if (!change) {
        throw with_hint(Error("there is no rollback to take back in build tree '{}'",
                              tree.directory().native()),
                        "'mstage history' lists what became of the checkpoints");
    }
    for (const CheckpointChange& one : change->checkpoints) {
        if (one.marker) {
            with_context(fmt::format("taking back '{}'", change->title),
                         [&] { require_image(engine, one.checkpoint, one.marker->image); });
        }
    }
    return std::move(*change);
}

}  // namespace mstage::pipeline
