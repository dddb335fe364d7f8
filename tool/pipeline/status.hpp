#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "pipeline/build_tree.hpp"
#include "pipeline/forecast.hpp"
#include "pipeline/history.hpp"
#include "pipeline/running.hpp"

namespace mstage::pipeline {

enum class CheckpointState {
    current,    ///< the next build leaves it alone
    restored,   ///< the same, and its stage did not run for it: its image was in the store
    outdated,   ///< the next build makes it again, or what it is made from
    pinned,     ///< it stays what it is, whatever the next build would make of it
    failed,     ///< not built, and the last attempt failed, or was ended
    not_built,  ///< also when the store has lost its image
};
/// For people: "out of date"; for programs with '-' for the blanks.
const char* to_string(CheckpointState state);
std::string to_word(CheckpointState state);

/// The last attempt at a checkpoint, which failed.
struct FailedAttempt {
    engine::ImageId state;
    std::optional<TimePoint> time{};
    std::optional<std::chrono::nanoseconds> duration{};
};

struct CheckpointStatus {
    std::string pipeline;
    std::optional<std::string> config{};
    std::string checkpoint;
    std::string full_name;                   ///< as Plan::full_name()
    std::string from;                        ///< empty for setup-base
    std::vector<std::string> copies_from{};  ///< full names
    CheckpointState state = CheckpointState::not_built;
    Action next = Action::run;                    ///< what the next build does about it
    std::optional<engine::Image> image{};         ///< nothing also when the store has lost it
    std::optional<engine::ImageId> lost_image{};  ///< what it was then
    std::uint64_t size = 0;                       ///< bytes on disk
    std::optional<std::chrono::nanoseconds> duration{};  ///< of the run that made the image
    std::optional<TimePoint> pinned_since{};
    std::optional<FailedAttempt> failure{};
    AttemptEnd end = AttemptEnd::failed;  ///< of the attempt that failed
    std::optional<RunningStage> running{};
};

/// Of every checkpoint of the build tree, parents first, by what its source is now.
std::vector<CheckpointStatus> status_of(engine::Engine& engine, const BuildTree& tree);

}  // namespace mstage::pipeline
