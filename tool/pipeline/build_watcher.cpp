#include "pipeline/build_watcher.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace mstage::pipeline {

namespace {

std::vector<std::string> checkpoints_of(const Plan& plan) {
    std::vector<std::string> names{k_setup_base};
    for (const Stage& stage : plan.stages) {
        names.push_back(stage.checkpoint);
    }
    return names;
}

TimePoint newest_time(const Plan& plan) {
    const std::vector<HistoryEntry> history = read_history(plan);
    return history.empty() ? TimePoint{} : history.back().time;
}

/// Whether one of the events tells what became of it.
bool is_told(const std::vector<BuildWatcher::Event>& events, const std::string& full_name,
             const RunningStage& stage) {
    return std::ranges::any_of(events, [&](const BuildWatcher::Event& event) {
        return event.full_name == full_name && event.entry &&
               (!stage.run || !event.entry->run || event.entry->run == stage.run);
    });
}

}  // namespace

BuildWatcher::BuildWatcher(const BuildTree& tree) {
    for (const Plan& plan : tree.plans()) {
        m_changes.add(plan.state_dir);
        m_pipelines.push_back({.plan = &plan, .seen = newest_time(plan)});
    }
}

BuildWatcher::Look BuildWatcher::look() {
    Look look;
    for (Pipeline& pipeline : m_pipelines) {
        look_at(pipeline, look);
    }
    return look;
}

void BuildWatcher::look_at(Pipeline& pipeline, Look& look) {
    const Plan& plan = *pipeline.plan;
    // Who ends tells the history first and is no longer seen to run after that. Looked at in the
    // other order, one that ends in between would seem to have ended without a word.
    std::map<std::string, RunningStage> running;
    for (const std::string& name : checkpoints_of(plan)) {
        if (auto stage = read_running(plan, name)) {
            look.running.push_back({plan.full_name(name), *stage});
            running.emplace(name, std::move(*stage));
        }
    }
    for (HistoryEntry& entry : read_history(plan)) {
        if (entry.time > pipeline.seen) {
            pipeline.seen = entry.time;
            look.events.push_back({plan.full_name(entry.checkpoint), std::move(entry)});
        }
    }
    for (const auto& [name, stage] : pipeline.running) {
        const auto now = running.find(name);
        const bool goes_on = now != running.end() && now->second.started == stage.started;
        if (!goes_on && !pipeline.told.contains(name) &&
            !is_told(look.events, plan.full_name(name), stage)) {
            look.events.push_back({plan.full_name(name), std::nullopt});
        }
    }
    std::set<std::string> told;
    for (const auto& [name, stage] : running) {
        const auto before = pipeline.running.find(name);
        const bool was_told = before != pipeline.running.end() &&
                              before->second.started == stage.started &&
                              pipeline.told.contains(name);
        if (was_told || is_told(look.events, plan.full_name(name), stage)) {
            told.insert(name);
        }
    }
    pipeline.told = std::move(told);
    pipeline.running = std::move(running);
}

std::string describe(const BuildWatcher::Event& event) {
    if (!event.entry) {
        return "ended without a result";
    }
    const HistoryEntry& entry = *event.entry;
    const bool is_failure = entry.event == HistoryEvent::failed;
    std::string text = is_failure ? to_verb(entry.end) : to_string(entry.event);
    if (entry.duration_s) {
        const auto duration = std::chrono::duration_cast<std::chrono::nanoseconds>(
            std::chrono::duration<double>(*entry.duration_s));
        text += (is_failure ? " after " : " in ") + human_duration(duration);
    }
    return text;
}

}  // namespace mstage::pipeline
