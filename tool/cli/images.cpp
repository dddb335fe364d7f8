#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

namespace {

Json to_json(engine::Engine& engine, const engine::Image& image) {
    return {
        {"id", image.id.str()},
        {"created", format_time(image.created)},
        {"size_bytes", engine.size_of(image)},
        {"layers", image.layers.size()},
        {"state", image.state == engine::ImageState::failed ? "failed" : "good"},
        {"origin", image.origin},
        {"parent", json_or_null(image.parent)},
        {"command", image.command},
        {"run", json_or_null(image.run)},
    };
}

}  // namespace

int run_images(const Arguments& arguments) {
    VerbParser parser("images");
    bool json = false;
    parser.footer("A size is that of all layers of the image; images share layers.");
    parser.flag("--json", json, "Print JSON");
    if (!parser.read(arguments)) {
        return k_good;
    }
    const Workplace place(parser.common);
    const std::vector<engine::Image> images = place.engine->images();
    if (json) {
        Json list = Json::array();
        for (const engine::Image& image : images) {
            list.push_back(to_json(*place.engine, image));
        }
        print_line(dump_json({{"images", std::move(list)}}));
        return k_good;
    }
    const auto now = std::chrono::system_clock::now();
    for (const engine::Image& image : images) {
        print_line(fmt::format(
            "{}  {:>8} ago  {:>9}  {}{}", image.id.str(), human_duration(now - image.created),
            human_size(place.engine->size_of(image)), escape_control(image.origin),
            image.state == engine::ImageState::failed ? "  (failed state)" : ""));
    }
    return k_good;
}

}  // namespace mstage::cli
