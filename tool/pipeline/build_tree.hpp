#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "pipeline/plan.hpp"

namespace mstage::pipeline {

/// The pipelines of one build tree: `<build_dir>/.mstage/<pipeline>/plan.json`, or
/// `<pipeline>/<config>/plan.json` where the build tool knows several configurations.
class BuildTree {
public:
    /// The build tree that `start` is in: the nearest directory, going up, that has pipelines.
    /// Nothing when there is none.
    static std::optional<BuildTree> find(const std::filesystem::path& start);

    const std::filesystem::path& directory() const noexcept { return m_directory; }
    /// The build's first pipeline comes first, the others by name.
    /// Those of the default configuration come before those of the others, unless one was chosen:
    /// then it has only those.
    const std::vector<Plan>& plans() const noexcept { return m_plans; }
    /// Forgets all plans but those of this configuration. Throws UsageError when it is none of the
    /// build tree's.
    void choose_config(const std::string& config);

private:
    BuildTree(std::filesystem::path directory, std::vector<Plan> plans)
        : m_directory(std::move(directory)), m_plans(std::move(plans)) {}

    std::filesystem::path m_directory;
    std::vector<Plan> m_plans;
};

/// A pipeline, by its plan in a BuildTree, and the name of one of its checkpoints.
struct CheckpointName {
    const Plan* plan;
    std::string checkpoint;
};

/// The checkpoint that a person means: "build-complete" or "app.build-complete", either with
/// ":Debug" where there are configurations. Nothing when it is none.
std::optional<CheckpointName> find_checkpoint(const BuildTree& tree, const std::string& text);
/// As above; absence is a UsageError.
CheckpointName get_checkpoint_name(const BuildTree& tree, const std::string& text);

/// The image that a person means by `text`: a checkpoint of `tree` ("build-complete",
/// see above, and then with "@-1" for what it was before, or with "@failed" for what its last failed
/// attempt left, "@failed-1" for the one before it), else what the engine knows by that name. Throws
/// when it is neither.
engine::ImageId resolve_image(engine::Engine& engine, const std::optional<BuildTree>& tree,
                              const std::string& text);

/// As above; of a checkpoint whose last attempt failed it is what that left.
engine::ImageId resolve_last_attempt(engine::Engine& engine, const std::optional<BuildTree>& tree,
                                     const std::string& text);

/// Throws Error for what could only be the beginning of a UUID, and is too short for one.
void refuse_short_id(const std::string& text);

}  // namespace mstage::pipeline
