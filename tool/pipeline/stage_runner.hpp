#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "engine/engine.hpp"
#include "pipeline/plan.hpp"

namespace mstage::pipeline {

/// What the caller gives to all runs.
struct RunContext {
    engine::Engine& engine;
    std::string helper;                          ///< how a person calls this program
    std::map<std::string, std::string> proxies;  ///< the caller's proxy variables
    std::map<std::string, std::filesystem::path> authorities{};  ///< those that name certificates
    /// The values of secrets, read now. Throws Error when one is not there.
    std::function<std::vector<engine::Secret>(const std::vector<SecretSource>&)> read_secrets{};
    engine::OutputSink terminal;                   ///< for stages that are LIVE; may be empty
    std::function<void(const std::string&)> note;  ///< a line about what is going on
};

struct StageResult {
    bool ok = false;
    std::string text;  ///< one line when it is good, else the failure report; for people
    std::optional<int> interrupted_by;
};

/// Brings the base image in and writes the marker of setup-base.
StageResult set_up_base(const RunContext& context, const Plan& plan);

/// Makes the stage's checkpoint: by looking its key up, else by running its command on the parent's
/// image. The marker is there afterwards exactly when that went well.
StageResult run_stage(const RunContext& context, const Plan& plan, const Stage& stage);

/// Runs a test on a throw-away copy of its checkpoint's image, and notes how it ended
/// (test_runs.hpp). `live` gets the output.
engine::RunResult run_test(const RunContext& context, const Plan& plan, const Task& test,
                           const engine::OutputSink& live);
/// What there is to say of a test that failed: returned for people, and in its run's record.
std::string report_test(const RunContext& context, const Plan& plan, const Task& test,
                        const engine::RunResult& result);

}  // namespace mstage::pipeline
