#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"
#include "engine/tag_name.hpp"

namespace mstage::cli {

namespace {

int list_tags(engine::Engine& engine, bool json) {
    const auto tags = engine.tags();
    if (json) {
        Json list = Json::array();
        for (const auto& [name, image] : tags) {
            list.push_back({{"tag", name}, {"image", image.str()}});
        }
        print_line(dump_json({{"tags", std::move(list)}}));
        return k_good;
    }
    for (const auto& [name, image] : tags) {
        print_line(fmt::format("{}  {}", image.str(), escape_control(name)));
    }
    return k_good;
}

}  // namespace

int run_tag(const Arguments& arguments) {
    VerbParser parser("tag");
    std::string image;
    std::string name;
    std::string removed;
    bool json = false;
    parser.argument("IMAGE", image, "The image to name", VerbParser::Needed::no);
    parser.argument("NAME", name, "The tag's name, without 'tag:'; moved when it is there already",
                    VerbParser::Needed::no);
    parser.option("--remove", "NAME", removed, "Remove the tag of this name");
    parser.flag("--json", json, "Print JSON");
    parser.footer("Without arguments the tags are listed.");
    if (!parser.read(arguments)) {
        return k_good;
    }
    if (image.empty() != name.empty() || (!removed.empty() && !image.empty())) {
        throw with_hint(UsageError("mstage tag takes IMAGE NAME, or --remove NAME, or nothing"),
                        "mstage tag --help");
    }
    const Workplace place(parser.common);
    if (!removed.empty()) {
        engine::check_tag_name(removed);
        if (!place.engine->remove_tag(removed)) {
            throw Error("tag '{}' is not there", removed);
        }
        return k_good;
    }
    if (image.empty()) {
        return list_tags(*place.engine, json);
    }
    place.engine->set_tag(name, place.image(image).id);
    return k_good;
}

}  // namespace mstage::cli
