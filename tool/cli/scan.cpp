#include "pipeline/scan.hpp"

#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

int run_scan(const Arguments& arguments) {
    VerbParser parser("scan");
    std::string plan_path;
    parser.argument("PLAN", plan_path, "The pipeline's plan.json", VerbParser::Needed::yes);
    if (!parser.read(arguments)) {
        return k_good;
    }
    const pipeline::Plan plan = pipeline::read_plan(plan_path);
    const auto engine = open_engine(plan.store);
    for (const std::string& warning : pipeline::scan(*engine, plan)) {
        print_error_line("mstage: warning: " + warning);
    }
    return k_good;
}

}  // namespace mstage::cli
