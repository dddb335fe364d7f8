#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"

#include <unistd.h>

namespace mstage::cli {

int run_stage(const Arguments& arguments) {
    VerbParser parser("stage");
    std::string plan_path;
    std::string stage;
    parser.argument("PLAN", plan_path, "The pipeline's plan.json", VerbParser::Needed::yes);
    parser.argument("STAGE", stage, "The stage's name; setup-base imports the base image",
                    VerbParser::Needed::yes);
    if (!parser.read(arguments)) {
        return k_good;
    }
    const pipeline::Plan plan = pipeline::read_plan(plan_path);
    const auto engine = open_engine(plan.store);
    const pipeline::RunContext context = make_run_context(*engine);
    const pipeline::StageResult result = skip_if_unavailable([&] {
        return stage == pipeline::k_setup_base
                   ? pipeline::set_up_base(context, plan)
                   : pipeline::run_stage(context, plan, plan.stage(stage));
    });
    if (result.ok) {
        print_line(result.text);
        return k_good;
    }
    write_all(STDERR_FILENO, result.text);
    return result.interrupted_by ? k_signal_base + *result.interrupted_by : k_failed;
}

}  // namespace mstage::cli
