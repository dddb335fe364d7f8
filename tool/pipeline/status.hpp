#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "pipeline/build_tree.hpp"

namespace mstage::pipeline {

enum class CheckpointState {
    good,      ///< the marker is there, and what it was made from is still the same
    outdated,  ///< the parent, a checkpoint that it copies from, its command, … is another by now,
               ///< or outdated itself: the next build makes it again
    missing,   ///< not built
    failed,    ///< not built, and the last attempt left a failed state
};

const char* to_string(CheckpointState state);

struct CheckpointStatus {
    std::string pipeline;
    std::string checkpoint;
    std::optional<std::string> config{};
    std::string full_name;  ///< as Plan::full_name()
    std::string from;       ///< empty for setup-base
    CheckpointState state = CheckpointState::missing;
    std::optional<engine::Image> image;  ///< nothing also when the store has lost it
    std::optional<engine::ImageId> failed_state;
    std::uint64_t size = 0;  ///< bytes on disk
};

/// Of every checkpoint of the build tree, parents first. Whether source files changed is not looked
/// at, only what the last scan saw: the build tool knows.
std::vector<CheckpointStatus> status_of(engine::Engine& engine, const BuildTree& tree);

}  // namespace mstage::pipeline
