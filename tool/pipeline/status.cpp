#include "pipeline/status.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "pipeline/checkpoint.hpp"
#include "pipeline/failures.hpp"
#include "pipeline/pins.hpp"
#include "pipeline/tree_change.hpp"

namespace mstage::pipeline {

namespace {

std::optional<std::chrono::nanoseconds> duration_of(const HistoryEntry& entry) {
    return entry.duration_s ? std::optional(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                  std::chrono::duration<double>(*entry.duration_s)))
                            : std::nullopt;
}

/// The newest entry of the checkpoint that `is_meant`; nullptr when there is none.
template <typename F>
const HistoryEntry* find_last(const std::vector<HistoryEntry>& history,
                              const std::string& checkpoint, const F& is_meant) {
    const auto found = std::find_if(history.rbegin(), history.rend(), [&](const auto& entry) {
        return entry.checkpoint == checkpoint && is_meant(entry);
    });
    return found == history.rend() ? nullptr : &*found;
}

std::optional<FailedAttempt> last_failure(engine::Engine& engine, const Plan& plan,
                                          const std::string& name,
                                          const std::vector<HistoryEntry>& history) {
    const auto failure = read_failure(plan, name);
    if (!failure || !std::filesystem::exists(engine.witness(failure->state))) {
        return std::nullopt;
    }
    FailedAttempt attempt{.state = failure->state};
    const HistoryEntry* entry =
        find_last(history, name, [&](const HistoryEntry& one) { return one.run == failure->run; });
    if (entry != nullptr) {
        attempt.time = entry->time;
        attempt.duration = duration_of(*entry);
    }
    return attempt;
}

CheckpointState state_of(const CheckpointStatus& status, const CheckpointForecast& forecast,
                         const std::vector<HistoryEntry>& history) {
    if (!status.image) {
        // A failure need not have left anything.
        const HistoryEntry* last =
            find_last(history, status.checkpoint, [](const HistoryEntry&) { return true; });
        const bool has_failed =
            status.failure || (last != nullptr && last->event == HistoryEvent::failed);
        return has_failed ? CheckpointState::failed : CheckpointState::not_built;
    }
    if (forecast.pinned) {
        return CheckpointState::pinned;
    }
    if (forecast.action != Action::keep) {
        return CheckpointState::outdated;
    }
    if (status.from.empty()) {
        return CheckpointState::current;  // that a base was there already is nothing special
    }
    const HistoryEntry* last = find_last(history, status.checkpoint, makes_generation);
    return last != nullptr && last->event == HistoryEvent::restored ? CheckpointState::restored
                                                                    : CheckpointState::current;
}

void add_copies(const Plan& plan, const Stage& stage, CheckpointStatus& status) {
    for (const StageCopy& copy : stage.copies) {
        const std::string name =
            (copy.plan ? read_plan(*copy.plan) : plan).full_name(copy.checkpoint);
        if (std::ranges::find(status.copies_from, name) == status.copies_from.end()) {
            status.copies_from.push_back(name);
        }
    }
}

CheckpointStatus status_of_checkpoint(engine::Engine& engine, const Plan& plan,
                                      const CheckpointForecast& forecast,
                                      const std::vector<HistoryEntry>& history) {
    const std::string& name = forecast.checkpoint;
    CheckpointStatus status{.pipeline = plan.pipeline,
                            .config = plan.config,
                            .checkpoint = name,
                            .full_name = plan.full_name(name),
                            .from = "",
                            .next = forecast.action};
    if (const Stage* stage = plan.stage_of_checkpoint(name)) {
        status.from = stage->from;
        add_copies(plan, *stage, status);
    }
    if (forecast.marker) {
        status.image = engine.find(forecast.marker->image);
        if (!status.image) {
            status.lost_image = forecast.marker->image;
        }
    }
    status.failure = status.image ? std::nullopt : last_failure(engine, plan, name, history);
    status.running = read_running(plan, name);
    status.state = state_of(status, forecast, history);
    if (const HistoryEntry* failed = find_last(history, name, [](const HistoryEntry& entry) {
            return entry.event == HistoryEvent::failed;
        })) {
        status.end = failed->end;
    }
    if (const auto pin =
            status.state == CheckpointState::pinned ? read_pin(plan, name) : std::nullopt) {
        status.pinned_since = pin->since;
    }
    if (status.image) {
        status.size = engine.size_of(*status.image);
        const HistoryEntry* maker = find_last(history, name, [&](const HistoryEntry& entry) {
            return (entry.event == HistoryEvent::ran || entry.event == HistoryEvent::imported) &&
                   entry.image == status.image->id;
        });
        status.duration = maker == nullptr ? std::nullopt : duration_of(*maker);
    }
    return status;
}

}  // namespace

const char* to_string(CheckpointState state) {
    switch (state) {
        case CheckpointState::current:
            return "current";
        case CheckpointState::restored:
            return "restored";
        case CheckpointState::outdated:
            return "out of date";
        case CheckpointState::pinned:
            return "pinned";
        case CheckpointState::failed:
            return "failed";
        case CheckpointState::not_built:
            break;
    }
    return "not built";
}

std::string to_word(CheckpointState state) {
    std::string word = to_string(state);
    std::ranges::replace(word, ' ', '-');
    return word;
}

std::vector<CheckpointStatus> status_of(engine::Engine& engine, const BuildTree& tree) {
    std::vector<CheckpointStatus> statuses;
    Forecast forecast(engine);
    for (const Plan& plan : tree.plans()) {
        finish_change(plan.build_dir);
        const std::vector<HistoryEntry> history = read_history(plan);
        for (const CheckpointForecast& one : forecast.all(plan)) {
            statuses.push_back(status_of_checkpoint(engine, plan, one, history));
        }
    }
    return statuses;
}

}  // namespace mstage::pipeline
