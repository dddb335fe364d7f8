#pragma once

#include <string>

#include "base/json.hpp"
#include "engine/engine.hpp"
#include "pipeline/build_tree.hpp"
#include "pipeline/report/trace.hpp"

namespace mstage::pipeline {

struct ReportRequest {
    const Plan& plan;
    std::string helper;  ///< how a person calls this program
    std::string version;
    TimePoint now;
};

/// All that the report page of a pipeline shows, as the page's script takes it: in it nothing is
/// reckoned that is known here. Of long logs it has the first and the last part, of long lists the
/// beginning and how many there are.
Json report_data(engine::Engine& engine, const BuildTree& tree, const ReportRequest& request);

/// The page: templates/report.html, filled in.
std::string report_page(const Json& data);

/// The last build of a pipeline and the tests that ran since it began.
TracedPipeline trace_of(engine::Engine& engine, const Plan& plan);

}  // namespace mstage::pipeline
