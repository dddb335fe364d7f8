#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/text.hpp"
#include "pipeline/checkpoint.hpp"
#include "pipeline/plan.hpp"

/// What a rollback leaves for the stages of its build tree. Nobody else that shares the store knows
/// of it.
namespace mstage::pipeline {

/// A checkpoint that stays what it is, whatever its stage would make of it now: it was put back.
/// `<checkpoint>.pin`, JSON: `version` (1), `image`, `parent`, `key` (as in a marker) and `since`.
struct Pin {
    Checkpoint checkpoint;
    TimePoint since;
};
std::optional<Pin> read_pin(const Plan& plan, const std::string& checkpoint);
void write_pin(const Plan& plan, const Pin& pin);
void remove_pin(const Plan& plan, const std::string& checkpoint);

/// Keys that are not looked up: the stage is run, and then no longer retired if that went well.
/// Each is a file `<state_dir>/retired/<key>` that holds the checkpoint's name, so that stages that
/// run side by side do not lose each other's changes.
bool is_retired(const Plan& plan, const std::string& key);
void retire(const Plan& plan, const std::string& key, const std::string& checkpoint);
void unretire(const Plan& plan, const std::string& key);

/// All that the state directory says about checkpoints.
struct PlanState {
    std::map<std::string, Checkpoint> markers{};
    std::map<std::string, Pin> pins{};
    std::set<std::string> retired{};
};
PlanState read_plan_state(const Plan& plan);

}  // namespace mstage::pipeline
