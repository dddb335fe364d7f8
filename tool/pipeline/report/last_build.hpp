#pragma once

#include <vector>

#include "engine/engine.hpp"
#include "pipeline/history.hpp"
#include "pipeline/report/ninja_log.hpp"

namespace mstage::pipeline {

/// What the newest build did about the checkpoints of a pipeline, in the order of its beginning.
/// A history does not say where one build ends and the next begins; so these are its newest entries
/// that follow each other within a minute, with no checkpoint twice and no rollback between them.
std::vector<HistoryEntry> last_build(const std::vector<HistoryEntry>& history);

/// From the first of the entry's phases to the end of its last; nothing when it has none.
std::optional<TimeSpan> span_of(const HistoryEntry& entry);

/// A Ninja that a stage's command ran.
struct InnerBuild {
    std::string log;  ///< the path in the image: "/app/build/.ninja_log"
    std::vector<NinjaStep> steps;
};

/// By the logs among the files that the entry's stage wrote.
std::vector<InnerBuild> inner_builds(engine::Engine& engine, const HistoryEntry& entry,
                                     const std::vector<engine::FileChange>& changes);

/// What a stage made of the image that it started from; nothing when that was none, when one of the
/// two is not there any more, and when they cannot be compared.
std::optional<std::vector<engine::FileChange>> changes_of(
    engine::Engine& engine, const std::optional<engine::ImageId>& parent,
    const std::optional<engine::ImageId>& image);

}  // namespace mstage::pipeline
