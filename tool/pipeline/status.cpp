#include "pipeline/status.hpp"

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "pipeline/checkpoint.hpp"
#include "pipeline/failures.hpp"
#include "pipeline/stage_key.hpp"
#include "pipeline/tree_change.hpp"

namespace mstage::pipeline {

namespace {

/// Whether the stage would have the same key with all that it is made from as that is now.
bool has_present_key(engine::Engine& engine, const Plan& plan, const Stage& stage,
                     const Checkpoint& checkpoint, const engine::ImageId& parent) {
    const auto inputs = plan.inputs_path(stage.name);
    if (!std::filesystem::exists(inputs)) {
        return true;  // only a build finds out what they are
    }
    try {
        const Json parts =
            stage_key_parts(plan, stage, engine.name(), parent, engine::inputs_digest(inputs),
                            present_copies(plan, stage));
        return checkpoint.key == stage_key(parts);
    } catch (const Error&) {
        return false;  // what it copies from is not there
    }
}

bool is_current(engine::Engine& engine, const Plan& plan, const Checkpoint& checkpoint) {
    const Stage* stage = plan.stage_of_checkpoint(checkpoint.name);
    if (stage == nullptr) {
        return true;
    }
    const auto parent = read_checkpoint(plan, stage->from);
    return parent && checkpoint.parent == parent->image &&
           has_present_key(engine, plan, *stage, checkpoint, parent->image);
}

CheckpointStatus status_of_checkpoint(engine::Engine& engine, const Plan& plan,
                                      const std::string& name, const std::string& from) {
    CheckpointStatus status{.pipeline = plan.pipeline,
                            .checkpoint = name,
                            .config = plan.config,
                            .full_name = plan.full_name(name),
                            .from = from,
                            .image = {},
                            .failed_state = {}};
    if (const auto failure = read_failure(plan, name);
        failure && std::filesystem::exists(engine.witness(failure->state))) {
        status.failed_state = failure->state;
    }
    const auto checkpoint = read_checkpoint(plan, name);
    status.image = checkpoint ? engine.find(checkpoint->image) : std::nullopt;
    if (!status.image) {
        status.state = status.failed_state ? CheckpointState::failed : CheckpointState::missing;
        return status;
    }
    status.size = engine.size_of(*status.image);
    status.state =
        is_current(engine, plan, *checkpoint) ? CheckpointState::good : CheckpointState::outdated;
    return status;
}

}  // namespace

const char* to_string(CheckpointState state) {
    switch (state) {
        case CheckpointState::good:
            return "good";
        case CheckpointState::outdated:
            return "outdated";
        case CheckpointState::failed:
            return "failed";
        case CheckpointState::missing:
            break;
    }
    return "missing";
}

std::vector<CheckpointStatus> status_of(engine::Engine& engine, const BuildTree& tree) {
    finish_change(tree.plans().front().build_dir);
    std::vector<CheckpointStatus> statuses;
    for (const Plan& plan : tree.plans()) {
        std::set<std::string> good;
        const auto add = [&](CheckpointStatus status, bool stands_on_good) {
            if (status.state == CheckpointState::good && !stands_on_good) {
                status.state = CheckpointState::outdated;
            }
            if (status.state == CheckpointState::good) {
                good.insert(status.checkpoint);
            }
            statuses.push_back(std::move(status));
        };
        add(status_of_checkpoint(engine, plan, k_setup_base, ""), true);
        for (const Stage& stage : plan.stages) {
            const bool stands_on_good =
                good.contains(stage.from) &&
                std::ranges::all_of(stage.copies, [&](const StageCopy& copy) {
                    return copy.plan.has_value() || good.contains(copy.checkpoint);
                });
            add(status_of_checkpoint(engine, plan, stage.checkpoint, stage.from), stands_on_good);
        }
    }
    return statuses;
}

}  // namespace mstage::pipeline
