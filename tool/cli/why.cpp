#include "pipeline/why.hpp"

#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"
#include "cli/why_text.hpp"

namespace mstage::cli {

int run_why(const Arguments& arguments) {
    VerbParser parser("why");
    std::string name;
    bool full = false;
    bool json = false;
    parser.footer(
        "Why its stage ran last (or was restored), and why the next build would run it: what "
        "differs\n"
        "in its source files, its command, its environment, its parent, and where that comes "
        "from.");
    parser.argument("CHECKPOINT", name, "A checkpoint of the build tree", VerbParser::Needed::yes);
    parser.flag("--full", full, "Every file that differs, however many");
    parser.flag("--json", json, "Print JSON, in full");
    if (!parser.read(arguments)) {
        return k_good;
    }
    const Workplace place(parser.common);
    const pipeline::CheckpointName checkpoint =
        pipeline::get_checkpoint_name(place.build_tree(), name);
    const pipeline::Why why =
        pipeline::explain(*place.engine, *checkpoint.plan, checkpoint.checkpoint);
    print(json ? dump_json(why_json(why)) + "\n"
               : why_text(why, full ? Listing::all : Listing::first));
    return k_good;
}

}  // namespace mstage::cli
