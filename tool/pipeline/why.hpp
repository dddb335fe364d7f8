#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "pipeline/forecast.hpp"
#include "pipeline/history.hpp"
#include "pipeline/key_difference.hpp"
#include "pipeline/ninja_reasons.hpp"
#include "pipeline/plan.hpp"

namespace mstage::pipeline {

/// A reason that is no difference between two keys.
struct WhyReason {
    /// "first", "after-failure", "dropped", "retired", "marker-missing", "image-lost", "pinned",
    /// "rolled-back", "unpinned", "undone", "base", "parent-anew", "copies-anew", "unknown-parts".
    std::string code;
    std::string text;  ///< for people; a part of a sentence
};

/// Why a checkpoint became what it is, or would become another: what differs from a time before.
struct WhyStep {
    std::string checkpoint;               ///< as Plan::full_name()
    std::optional<HistoryEntry> event{};  ///< nothing: it would happen now
    Action action = Action::keep;         ///< what would happen now
    /// What it is compared with; its time is none when only the marker tells of it.
    std::optional<HistoryEntry> before{};
    std::vector<WhyReason> reasons{};
    std::vector<KeyDifference> differences{};
    /// Of the source files, where these differ; nothing when one of the lists is not known any more.
    std::optional<std::vector<engine::InputChange>> files{};
    /// Why the parent, or what is copied from, is another.
    std::vector<WhyStep> upstream{};
};

struct Why {
    std::string checkpoint;
    bool pinned = false;
    std::optional<engine::ImageId> image{};  ///< of the marker
    std::optional<WhyStep> last{};           ///< nothing when nothing is known of it
    Action action = Action::keep;
    std::optional<WhyStep> now{};      ///< nothing when nothing would happen
    std::optional<NinjaLook> ninja{};  ///< nothing when it is not Ninja that builds
};

/// From the history, from what the store keeps of keys, and from the source as it is now.
Why explain(engine::Engine& engine, const Plan& plan, const std::string& checkpoint);

/// What the stage key was made from, from the image that it led to or from the run; nothing when
/// neither is known any more. `history` is that of the checkpoint.
std::optional<Json> known_key_parts(engine::Engine& engine,
                                    const std::vector<HistoryEntry>& history,
                                    const std::string& key);

}  // namespace mstage::pipeline
