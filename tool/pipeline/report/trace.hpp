#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "pipeline/report/last_build.hpp"
#include "pipeline/test_runs.hpp"

namespace mstage::pipeline {

struct TracedStage {
    HistoryEntry entry;  ///< with phases
    std::string command;
    std::vector<InnerBuild> inner{};
};

struct TracedPipeline {
    std::string name;
    std::vector<TracedStage> stages;
    std::vector<TestRun> tests{};
};

/// A trace in the Trace Event Format, as chrome://tracing and Perfetto read it: a process for each
/// pipeline; in it a thread for each stage, with the stage, its phases inside of that, and below it as
/// many threads as its inner build did things at a time; then threads for the tests. Times are
/// microseconds from the beginning of the first event, which `otherData.start` tells.
Json make_trace(const std::vector<TracedPipeline>& pipelines);

}  // namespace mstage::pipeline
