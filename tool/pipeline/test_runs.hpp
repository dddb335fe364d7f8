#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "engine/engine.hpp"
#include "pipeline/plan.hpp"

namespace mstage::pipeline {

/// How one run of a test ended.
struct TestRun {
    TimePoint time;  ///< of its end
    std::string test;
    engine::ImageId image;
    engine::RunId run;
    engine::Outcome outcome{};
    bool passed = false;  ///< a command may end well and yet have left a secret somewhere
};

/// What tests of a pipeline did, `<state_dir>/tests`: a journal of JSON lines with all fields:
/// `version` (1), `time`, `test`, `image`, `run`, `passed`, `exit_code`, `timed_out`, `interrupted_by` (null
/// when it was not), `wall_s`, `user_s`, `system_s` and `peak_memory_bytes`. Lines that are torn, or
/// of a later version, are skipped.
void append_test_run(const Plan& plan, const TestRun& result);

/// Oldest first.
std::vector<TestRun> read_test_runs(const Plan& plan);

}  // namespace mstage::pipeline
