#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "engine/engine.hpp"
#include "pipeline/plan.hpp"

namespace mstage::pipeline {

/// A checkpoint that is still good and can be built on.
struct RollbackPoint {
    std::string checkpoint;
    engine::ImageId image;
    TimePoint created;
    std::uint64_t size = 0;  ///< bytes on disk
};

/// All that somebody (a person or an agent) needs to go on after a stage failed.
struct FailureReport {
    std::string pipeline;
    std::optional<std::string> config{};  ///< nothing in a build tree with only one
    std::string stage;
    std::string checkpoint;
    std::string command;
    engine::Outcome outcome;
    std::chrono::nanoseconds timeout{0};
    std::string last_lines;  ///< of the output
    bool live = false;       ///< the output was on the terminal already
    std::string note{};      ///< what the engine says that may be the cause; mostly empty
    std::string log;
    std::string failed_state;  ///< UUID; empty: nothing is kept
    std::vector<engine::Leak> leaks{};
    std::vector<RollbackPoint> rollback_points;  ///< nearest first
    std::string resume_command;
    std::string look_command;  ///< runs a command in the failed state
    TimePoint now;
};

/// `helper` is how a person calls this program.
FailureReport make_failure_report(engine::Engine& engine, const std::string& helper,
                                  const Plan& plan, const Stage& stage,
                                  const engine::RunResult& result);

/// For people, about a stage that ended with `error` instead of its command's outcome: the machine's
/// trouble, not the command's.
std::string describe_breakdown(engine::Engine& engine, const Plan& plan, const Stage& stage,
                               const Error& error);

/// For people: where secrets were left, a line each; empty when there are none.
std::string leaks_text(const std::vector<engine::Leak>& leaks);

Json to_json(const FailureReport& report);
std::string to_text(const FailureReport& report);

}  // namespace mstage::pipeline
