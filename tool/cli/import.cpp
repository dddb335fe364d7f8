#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"
#include "engine/tag_name.hpp"

namespace mstage::cli {

int run_import(const Arguments& arguments) {
    VerbParser parser("import");
    std::string reference;
    std::string tag;
    bool refresh = false;
    bool json = false;
    parser.argument("REFERENCE", reference,
                    "host, debian:SUITE, rootfs:PATH, docker://NAME, oci:DIR, …",
                    VerbParser::Needed::yes);
    parser.flag("--refresh", refresh, "Import again what is there already");
    parser.option("--tag", "NAME", tag, "Also name the image");
    parser.flag("--json", json, "Print JSON");
    parser.footer(
        "Archives of container images are oci-archive:FILE and docker-archive:FILE, with :TAG if\n"
        "there are several in it; debian: takes packages too, as debian:bookworm+gcc+make.");
    if (!parser.read(arguments)) {
        return k_good;
    }
    if (!tag.empty()) {
        engine::check_tag_name(tag);
    }
    const Workplace place(parser.common, StoreUse::makes);
    const engine::Base base =
        place.engine->base(reference, refresh ? engine::Refresh::yes : engine::Refresh::no);
    for (const std::string& warning : base.warnings) {
        print_error_line("mstage: warning: " + warning);
    }
    if (!tag.empty()) {
        place.engine->set_tag(tag, base.image);
    }
    if (json) {
        print_line(dump_json({{"image", base.image.str()},
                              {"imported", base.imported},
                              {"warnings", base.warnings}}));
    } else {
        print_line(base.image.str());
    }
    return k_good;
}

}  // namespace mstage::cli
