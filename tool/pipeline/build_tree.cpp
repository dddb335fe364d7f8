#include "pipeline/build_tree.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "pipeline/checkpoint.hpp"

namespace mstage::pipeline {

namespace fs = std::filesystem;

namespace {

std::vector<Plan> read_plans(const fs::path& state) {
    std::vector<Plan> plans;
    for (const auto& entry : fs::directory_iterator(state)) {
        if (fs::exists(entry.path() / "plan.json")) {
            plans.push_back(read_plan(entry.path() / "plan.json"));
        }
    }
    std::ranges::sort(plans, {},
                      [](const Plan& plan) { return std::pair(!plan.is_default, plan.pipeline); });
    return plans;
}

/// A pipeline and the name of one of its checkpoints.
struct CheckpointName {
    const Plan* plan;
    std::string checkpoint;
};

std::optional<CheckpointName> find_checkpoint(const BuildTree& tree, const std::string& text) {
    for (const Plan& plan : tree.plans()) {
        const std::string prefix = plan.pipeline + ".";
        if (text.starts_with(prefix) && plan.has_checkpoint(text.substr(prefix.size()))) {
            return CheckpointName{&plan, text.substr(prefix.size())};
        }
    }
    const auto owner = std::ranges::find_if(
        tree.plans(), [&](const Plan& plan) { return plan.has_checkpoint(text); });
    return owner == tree.plans().end() ? std::nullopt
                                       : std::optional(CheckpointName{&*owner, text});
}

engine::ImageId failed_state(const Plan& plan, const std::string& checkpoint) {
    const auto failure = read_failure(plan, checkpoint);
    if (!failure) {
        throw Error("the last attempt at checkpoint '{}' of pipeline '{}' left no failed state",
                    checkpoint, plan.pipeline);
    }
    return failure->state;
}

engine::ImageId image_of(const CheckpointName& name, const std::string& generation) {
    if (generation.empty()) {
        return get_checkpoint(*name.plan, name.checkpoint).image;
    }
    if (generation == "failed") {
        return failed_state(*name.plan, name.checkpoint);
    }
    throw UsageError("'@{}' is unknown: only '@failed' may follow a checkpoint", generation);
}

}  // namespace

std::optional<BuildTree> BuildTree::find(const fs::path& start) {
    for (fs::path directory = fs::absolute(start).lexically_normal();;
         directory = directory.parent_path()) {
        if (fs::is_directory(directory / ".mstage")) {
            std::vector<Plan> plans = read_plans(directory / ".mstage");
            if (!plans.empty()) {
                return BuildTree(directory, std::move(plans));
            }
        }
        if (directory == directory.parent_path()) {
            return std::nullopt;
        }
    }
}

engine::ImageId resolve_image(engine::Engine& engine, const std::optional<BuildTree>& tree,
                              const std::string& text) {
    const size_t at = text.rfind('@');
    const std::string generation = at == std::string::npos ? "" : text.substr(at + 1);
    if (tree && !text.starts_with("tag:")) {
        if (const auto name = find_checkpoint(*tree, text.substr(0, at))) {
            return image_of(*name, generation);
        }
    }
    if (const auto id = engine.find_image(text)) {
        return *id;
    }
    for (const auto& [name, image] : engine.tags()) {
        if (name == text) {
            throw with_hint(Error("'{}' is no image, but there is a tag of that name", text),
                            "tag:" + text);
        }
    }
    throw with_hint(Error("'{}' is no image: neither a checkpoint{} nor a UUID nor tag:NAME", text,
                          tree ? " of build tree '" + tree->directory().native() + "'" : ""),
                    tree ? "'mstage status' lists the checkpoints, 'mstage images' the images"
                         : "for checkpoints stand in a build tree, or name one with -C");
}

}  // namespace mstage::pipeline
