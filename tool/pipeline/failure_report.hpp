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
    std::uint64_t size = 0;        ///< bytes on disk
    std::string rollback_command;  ///< goes back to it
    std::string build_command;     ///< so does this one, by the build tool
    std::string shell_command;     ///< opens a shell in it
};

/// All that somebody (a person or an agent) needs to go on after a stage or a test failed. There are
/// no control characters in it but line ends and tabs.
struct FailureReport {
    std::string pipeline;
    std::optional<std::string> config{};  ///< nothing in a build tree with only one
    enum class Kind { stage, test } kind = Kind::stage;
    std::string name;                       ///< of the stage or test
    std::string from;                       ///< the checkpoint that it started from
    std::optional<std::string> checkpoint;  ///< that there is none of now; not of a test
    std::string command;
    engine::Outcome outcome;
    std::chrono::nanoseconds timeout{0};
    std::string last_lines;  ///< of the output
    bool live = false;       ///< the output was on the terminal already
    std::string note{};      ///< what the engine says that may be the cause; mostly empty
    std::string log;
    std::optional<engine::ImageId> failed_state;  ///< not of a test; with a secret in it, none
    std::vector<engine::Leak> leaks{};
    std::vector<RollbackPoint> rollback_points;  ///< nearest first
    std::string resume_command;
    std::string shell_command;  ///< opens a shell in the failed state, or where the test ran
    TimePoint now;
};

/// "failed with exit code 1 after 6.1 s", or how else a command ended.
std::string describe_end(const engine::Outcome& outcome, std::chrono::nanoseconds timeout);

/// The command line that runs the test, and what it needs, by CTest.
std::string test_command(const Plan& plan, const Task& test);

/// `helper` is how a person calls this program.
FailureReport make_failure_report(engine::Engine& engine, const std::string& helper,
                                  const Plan& plan, const Stage& stage,
                                  const engine::RunResult& result);
/// Of a test, whose output was on the terminal.
FailureReport make_test_report(engine::Engine& engine, const std::string& helper, const Plan& plan,
                               const Task& test, const engine::RunResult& result);

/// For people, about a stage that ended with `error` instead of its command's outcome: the machine's
/// trouble, not the command's.
std::string describe_breakdown(engine::Engine& engine, const std::string& helper, const Plan& plan,
                               const Stage& stage, const Error& error);

/// For people, after forks of a test have failed: where to look around, and how to go on.
std::string describe_forks_end(engine::Engine& engine, const std::string& helper, const Plan& plan,
                               const Task& test);

/// For people: where secrets were left, a line each; empty when there are none.
std::string leaks_text(const std::vector<engine::Leak>& leaks);

/// Version 2, all fields always there. Version 1 was of stages only and named fewer commands.
Json to_json(const FailureReport& report);
std::string to_text(const FailureReport& report);

/// What a terminal would show of the end of a command's output: few lines, each of a sensible
/// length, without control characters. Of what was written over with carriage returns, the last.
std::string shown_end(const std::string& output);

}  // namespace mstage::pipeline
