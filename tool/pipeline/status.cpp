#include "pipeline/status.hpp"

#include "pipeline/checkpoint.hpp"

namespace mstage::pipeline {

namespace {

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
    const auto parent = from.empty() ? std::nullopt : read_checkpoint(plan, from);
    const bool current = from.empty() || (parent && checkpoint->parent == parent->image);
    status.state = current ? CheckpointState::good : CheckpointState::outdated;
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
    std::vector<CheckpointStatus> statuses;
    for (const Plan& plan : tree.plans()) {
        statuses.push_back(status_of_checkpoint(engine, plan, k_setup_base, ""));
        for (const Stage& stage : plan.stages) {
            statuses.push_back(status_of_checkpoint(engine, plan, stage.checkpoint, stage.from));
        }
    }
    return statuses;
}

}  // namespace mstage::pipeline
