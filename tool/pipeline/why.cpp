#include "pipeline/why.hpp"

#include <algorithm>
#include <ranges>

#include "base/error.hpp"
#include "base/text.hpp"
#include "pipeline/stage_key.hpp"
#include "pipeline/tree_change.hpp"

namespace mstage::pipeline {

namespace {

using engine::ImageId;

/// Whether the checkpoint was something after it, or was tried to be.
bool is_attempt(const HistoryEntry& entry) {
    return entry.event == HistoryEvent::failed || (entry.image && makes_generation(entry));
}

class Explainer {
public:
    explicit Explainer(engine::Engine& engine) : m_engine(engine), m_forecast(engine) {}

    Why explain(const Plan& plan, const std::string& checkpoint) {
        const CheckpointForecast forecast = m_forecast.of(plan, checkpoint);
        Why why{.checkpoint = plan.full_name(checkpoint),
                .pinned = forecast.pinned,
                .action = forecast.action};
        if (forecast.marker) {
            why.image = forecast.marker->image;
        }
        why.last = past(plan, checkpoint, TimePoint::max());
        if (forecast.action != Action::keep) {
            why.now = future(plan, forecast);
        }
        why.ninja = ask_ninja(plan, checkpoint);
        return why;
    }

private:
    // --- What has happened

    /// The last change of the checkpoint until `time`; nothing when the history has none.
    std::optional<WhyStep> past(const Plan& plan, const std::string& checkpoint, TimePoint time) {
        std::vector<HistoryEntry> history = read_history(plan, checkpoint);
        std::erase_if(history, [&](const HistoryEntry& entry) { return entry.time > time; });
        const auto last = std::ranges::find_if(history.rbegin(), history.rend(), is_attempt);
        if (last == history.rend()) {
            return std::nullopt;
        }
        const auto before = std::ranges::find_if(last + 1, history.rend(), is_attempt);
        WhyStep step{.checkpoint = plan.full_name(checkpoint), .event = *last};
        note_event(*last, step);
        if (before == history.rend()) {
            if (step.reasons.empty()) {
                step.reasons.push_back({"first", "it was the first time in this build tree"});
            }
            return step;
        }
        step.before = *before;
        note_what_was_in_between(std::ranges::subrange(before.base() - 1, last.base()), step);
        compare_keys(plan, checkpoint, *last, history, step);
        if (step.reasons.empty() && step.differences.empty()) {
            note_same_key(*before, step);
        }
        return step;
    }

    static void note_event(const HistoryEntry& entry, WhyStep& step) {
        switch (entry.event) {
            case HistoryEvent::rolled_back:
                step.reasons.push_back({"rolled-back", "a rollback chose this generation"});
                break;
            case HistoryEvent::undone:
                step.reasons.push_back({"undone", "a rollback was taken back"});
                break;
            case HistoryEvent::unpinned:
                step.reasons.push_back({"unpinned", "its pin was let go"});
                break;
            default:
                break;
        }
    }

    /// `entries` begin with the attempt before and end with the last one.
    template <typename Entries>
    static void note_what_was_in_between(const Entries& entries, WhyStep& step) {
        if (step.before->event == HistoryEvent::failed) {
            step.reasons.push_back({"after-failure", fmt::format("the attempt before it {}",
                                                                 to_verb(step.before->end))});
        }
        for (const HistoryEntry& entry : entries) {
            if (entry.event == HistoryEvent::dropped) {
                step.reasons.push_back(
                    {"dropped", "a rollback had dropped it, so that it was to run again"});
            }
        }
    }

    /// A marker that says the same again.
    void note_same_key(const HistoryEntry& before, WhyStep& step) {
        if (before.image && !m_engine.find(*before.image)) {
            step.reasons.push_back(
                {"image-lost", fmt::format("the store had lost image {}", before.image->str())});
        } else {
            step.reasons.push_back({"marker-missing", "its marker was not there any more"});
        }
    }

    void compare_keys(const Plan& plan, const std::string& checkpoint, const HistoryEntry& last,
                      const std::vector<HistoryEntry>& history, WhyStep& step) {
        if (checkpoint == k_setup_base) {
            if (step.before->image != last.image) {
                step.reasons.push_back(
                    {"base", fmt::format("'{}' became another image", plan.base)});
            }
            return;
        }
        if (!last.key || !step.before->key || last.key == step.before->key) {
            return;
        }
        const auto old = known_key_parts(m_engine, history, *step.before->key);
        const auto now = known_key_parts(m_engine, history, *last.key);
        if (!old || !now) {
            note_unknown_parts(last, step);
            return;
        }
        step.differences = key_differences(*old, *now);
        step.files = changed_files(*old, list_of(*now));
        for (const Origin& origin : moved(plan, checkpoint, step.differences)) {
            if (auto cause = past(origin.plan, origin.checkpoint, last.time)) {
                step.upstream.push_back(std::move(*cause));
            }
        }
    }

    static void note_unknown_parts(const HistoryEntry& last, WhyStep& step) {
        if (step.before->parent != last.parent) {
            step.differences.push_back({.part = "parent",
                                        .before = json_or_null(step.before->parent),
                                        .after = json_or_null(last.parent)});
        }
        step.reasons.push_back({"unknown-parts",
                                "its key became another, and the store does not know any more "
                                "what that was made from"});
    }

    // --- What would happen

    WhyStep future(const Plan& plan, const CheckpointForecast& forecast) {
        WhyStep step{.checkpoint = plan.full_name(forecast.checkpoint), .action = forecast.action};
        const std::vector<HistoryEntry> history = read_history(plan, forecast.checkpoint);
        step.before = present(forecast, history);
        note_marker(plan, forecast, history, step);
        if (forecast.retired) {
            step.reasons.push_back(
                {"retired", "a rollback retired its key: it is run, not looked up"});
        }
        if (forecast.pinned) {
            step.reasons.push_back(
                {"pinned", fmt::format("it is pinned to image {}", forecast.image->str())});
            return step;
        }
        if (const Stage* stage = plan.stage_of_checkpoint(forecast.checkpoint)) {
            compare_with_now(plan, *stage, forecast, history, step);
        } else {
            note_base(plan, forecast, step);
        }
        return step;
    }

    /// What it is, else what it was, or was tried to be, last.
    static std::optional<HistoryEntry> present(const CheckpointForecast& forecast,
                                               const std::vector<HistoryEntry>& history) {
        const auto last =
            std::ranges::find_if(history.rbegin(), history.rend(), [&](const auto& entry) {
                return is_attempt(entry) &&
                       (!forecast.marker || entry.image == forecast.marker->image);
            });
        if (!forecast.marker) {
            return last == history.rend() ? std::nullopt : std::optional(*last);
        }
        HistoryEntry entry = last == history.rend() ? HistoryEntry{.time = {}} : *last;
        entry.checkpoint = forecast.checkpoint;
        entry.image = forecast.marker->image;
        entry.parent = forecast.marker->parent;
        entry.key = forecast.marker->key;
        return entry;
    }

    static void note_marker(const Plan& plan, const CheckpointForecast& forecast,
                            const std::vector<HistoryEntry>& history, WhyStep& step) {
        if (forecast.image_lost && forecast.marker) {
            step.reasons.push_back(
                {"image-lost", fmt::format("the store has not its image {} any more",
                                           forecast.marker->image.str())});
        }
        if (forecast.marker) {
            return;
        }
        if (history.empty()) {
            step.reasons.push_back({"first", "it has not been built in this build tree"});
        } else if (history.back().event == HistoryEvent::failed) {
            step.reasons.push_back(
                {"after-failure", fmt::format("the last attempt {}", to_verb(history.back().end))});
        } else if (history.back().event == HistoryEvent::dropped) {
            step.reasons.push_back({"dropped", "a rollback dropped it"});
        } else {
            step.reasons.push_back(
                {"marker-missing", fmt::format("its marker '{}' is not there",
                                               plan.marker_path(forecast.checkpoint).native())});
        }
    }

    static void note_base(const Plan& plan, const CheckpointForecast& forecast, WhyStep& step) {
        if (!forecast.image) {
            step.reasons.push_back(
                {"base",
                 fmt::format("the store has no image of '{}' that could be used", plan.base)});
        } else if (forecast.marker && forecast.marker->image != *forecast.image) {
            step.reasons.push_back({"base", fmt::format("'{}' is another image now: {}", plan.base,
                                                        forecast.image->str())});
        }
    }

    void compare_with_now(const Plan& plan, const Stage& stage, const CheckpointForecast& forecast,
                          std::vector<HistoryEntry> history, WhyStep& step) {
        std::optional<Json> old;
        if (step.before && step.before->key) {
            // Of a marker that is older than the history only it itself tells.
            history.push_back(*step.before);
            old = known_key_parts(m_engine, history, *step.before->key);
        }
        if (old) {
            const Json now = parts_now(plan, stage, forecast, *old);
            step.differences = key_differences(*old, now);
            step.files = changed_files(*old, engine::read_input_list(forecast.inputs_file));
        } else if (step.before && step.before->key && step.before->key != forecast.key) {
            step.reasons.push_back({"unknown-parts",
                                    "its key is another, and the store does not know any more what "
                                    "that of before was made from"});
        }
        note_anew(plan, stage, step);
        for (const auto& [owner, name] : moved(plan, stage.checkpoint, step.differences)) {
            const CheckpointForecast theirs = m_forecast.of(owner, name);
            if (theirs.action != Action::keep && theirs.image) {
                step.upstream.push_back(future(owner, theirs));
            } else if (theirs.action == Action::keep) {
                if (auto cause = past(owner, name, TimePoint::max())) {
                    step.upstream.push_back(std::move(*cause));
                }
            }
        }
    }

    /// Those that it would have; of a parent and copies that are made anew nobody knows yet.
    Json parts_now(const Plan& plan, const Stage& stage, const CheckpointForecast& forecast,
                   const Json& old) {
        if (forecast.key_parts) {
            return *forecast.key_parts;
        }
        const auto old_parent = ImageId::parse(json_find<std::string>(old, "parent").value_or(""));
        const auto parent = forecast.parent ? forecast.parent : old_parent;
        if (!parent) {
            return old;
        }
        Json parts = stage_key_parts(plan, stage, m_engine.name(), *parent,
                                     engine::inputs_digest(forecast.inputs_file));
        if (const auto copies = old.find("copies"); copies != old.end()) {
            parts["copies"] = *copies;
        }
        return parts;
    }

    /// What it is made from is to be made itself first.
    void note_anew(const Plan& plan, const Stage& stage, WhyStep& step) {
        const auto note = [&](const Origin& origin, const char* code, const char* what) {
            const CheckpointForecast theirs = m_forecast.of(origin.plan, origin.checkpoint);
            if (!theirs.image) {
                const std::string name = origin.plan.full_name(origin.checkpoint);
                step.reasons.push_back({code, fmt::format(fmt::runtime(what), name)});
                step.upstream.push_back(future(origin.plan, theirs));
            }
        };
        note({plan, stage.from}, "parent-anew", "its parent {} is made anew");
        for (const StageCopy& copy : stage.copies) {
            note(origin_of(plan, copy), "copies-anew", "{}, which it copies from, is made anew");
        }
    }

    // --- Both

    struct Origin {
        Plan plan;
        std::string checkpoint;
    };

    static Origin origin_of(const Plan& plan, const StageCopy& copy) {
        return {copy.plan ? read_plan(*copy.plan) : plan, copy.checkpoint};
    }

    /// The checkpoints whose images are others: of the parent, and of what is copied from.
    static std::vector<Origin> moved(const Plan& plan, const std::string& checkpoint,
                                     const std::vector<KeyDifference>& differences) {
        std::vector<Origin> found;
        const Stage* stage = plan.stage_of_checkpoint(checkpoint);
        for (const KeyDifference& difference : differences) {
            if (stage == nullptr || difference.before.is_null() || difference.after.is_null()) {
                continue;
            }
            if (difference.part == "parent") {
                found.push_back({plan, stage->from});
            } else if (difference.part == "copies") {
                const auto copy =
                    std::ranges::find_if(stage->copies, [&](const StageCopy& candidate) {
                        return difference.name == copy_name(candidate.path, candidate.destination);
                    });
                if (copy != stage->copies.end()) {
                    found.push_back(origin_of(plan, *copy));
                }
            }
        }
        return found;
    }

    using Files = std::optional<std::vector<engine::InputFile>>;

    Files list_of(const Json& parts) {
        const auto digest = json_find<std::string>(parts, "inputs");
        return digest ? m_engine.input_list(*digest) : std::nullopt;
    }

    std::optional<std::vector<engine::InputChange>> changed_files(const Json& old,
                                                                  const Files& now) {
        const Files before = list_of(old);
        return before && now ? std::optional(engine::input_changes(*before, *now)) : std::nullopt;
    }

    engine::Engine& m_engine;
    Forecast m_forecast;
};

}  // namespace

std::optional<Json> known_key_parts(engine::Engine& engine,
                                    const std::vector<HistoryEntry>& history,
                                    const std::string& key) {
    for (const HistoryEntry& entry : history | std::views::reverse) {
        if (entry.key != key) {
            continue;
        }
        if (const auto image = entry.image ? engine.find(*entry.image) : std::nullopt;
            image && image->key == key) {
            return image->key_parts;
        }
        // One that changed nothing has no image of its own.
        const auto run = entry.run ? engine.find_run(*entry.run) : std::nullopt;
        if (run && !run->key_parts.is_null()) {
            return run->key_parts;
        }
    }
    return std::nullopt;
}

Why explain(engine::Engine& engine, const Plan& plan, const std::string& checkpoint) {
    finish_change(plan.build_dir);
    return Explainer(engine).explain(plan, checkpoint);
}

}  // namespace mstage::pipeline
