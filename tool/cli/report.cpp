#include <unistd.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"
#include "pipeline/report/report_data.hpp"

namespace mstage::cli {

namespace fs = std::filesystem;

namespace {

/// "-" is stdout.
void write_result(const std::string& file, const std::string& text) {
    if (file == "-") {
        print(text);
        return;
    }
    make_directories(fs::absolute(file).parent_path());
    write_file_atomically(file, text);
    print_line(fs::absolute(file).lexically_normal().native());
}

void write_trace(const Workplace& place, const std::string& pipeline, const std::string& file) {
    std::vector<pipeline::TracedPipeline> traced;
    const std::string chosen = pipeline.empty() ? "" : plan_named(*place.tree, pipeline).pipeline;
    for (const pipeline::Plan& plan : place.tree->plans()) {
        if (chosen.empty() || plan.pipeline == chosen) {
            traced.push_back(pipeline::trace_of(*place.engine, plan));
        }
    }
    write_result(file, dump_json(pipeline::make_trace(traced)) + "\n");
}

void write_page(const Workplace& place, const std::string& pipeline, std::string file) {
    const pipeline::Plan& plan = plan_named(*place.tree, pipeline);
    if (file.empty()) {
        file = plan.build_dir / fmt::format("{}{}-report.html", plan.pipeline,
                                            plan.config ? "-" + *plan.config : "");
    }
    const pipeline::ReportRequest request{.plan = plan,
                                          .helper = own_name(),
                                          .version = MSTAGE_VERSION,
                                          .now = std::chrono::system_clock::now()};
    write_result(file,
                 pipeline::report_page(pipeline::report_data(*place.engine, *place.tree, request)));
}

}  // namespace

int run_report(const Arguments& arguments) {
    VerbParser parser("report");
    std::string pipeline;
    std::string page;
    std::string trace;
    parser.argument("PIPELINE", pipeline, "The pipeline (default: the first of the build tree)",
                    VerbParser::Needed::no);
    parser.option("-o,--output", "FILE", page,
                  "The page (default: PIPELINE-report.html in the build tree; -: stdout)");
    parser.option("--trace", "FILE", trace,
                  "Write a trace of the last build instead (chrome://tracing, Perfetto)");
    parser.footer(
        "The page is one HTML file that needs nothing else. A trace is of all pipelines unless "
        "one\n"
        "is named. With -o and --trace both are written.");
    if (!parser.read(arguments)) {
        return k_good;
    }
    const Workplace place(parser.common);
    place.build_tree();  // there has to be one
    if (!trace.empty()) {
        write_trace(place, pipeline, trace);
    }
    if (trace.empty() || !page.empty()) {
        write_page(place, pipeline, page);
    }
    return k_good;
}

}  // namespace mstage::cli
