#pragma once

#include <string>

#include "engine/engine.hpp"

namespace mstage::cli {

/// Output as it comes: where it would go without us, or all of it to stderr.
enum class OutTo { out, err };
engine::OutputSink pass_on(OutTo where);

/// The exit code of `mstage run`: the command's own, but for its ends that are no exit. A time-out
/// is said on stderr.
int exit_code_of(const engine::RunResult& result);

/// For --ctest, when all else has been printed. `what` is the test, or what it ran on.
void report_to_ctest(const engine::RunResult& result, const engine::ImageId& image,
                     const std::string& what);

/// `mstage run --plan PLAN --test TEST [--ctest]`: as often as the plan says.
int run_test_of_plan(const std::string& plan, const std::string& test, bool for_ctest);

}  // namespace mstage::cli
