#include "engine/local/container/oci_config.hpp"

#include <algorithm>
#include <chrono>

#include "archive/oci/container_image.hpp"
#include "base/text.hpp"

namespace mstage::engine {

namespace {

using store::Image;
using store::LayerId;

constexpr const char* k_comment = "mstage";

std::string time_text(const OciConfigInput& input, const Image& image) {
    return format_time(input.epoch ? std::chrono::system_clock::from_time_t(*input.epoch)
                                   : image.created);
}

Json entry(const std::string& created, const std::string& created_by) {
    return {{"created", created}, {"created_by", created_by}, {"comment", k_comment}};
}

bool contains(const std::vector<LayerId>& layers, const LayerId& layer) {
    return std::ranges::find(layers, layer) != layers.end();
}

/// Of a layer that did not come with an imported image's own history. What a stage wrote is its
/// topmost layer; others that are new in it are source files.
Json entry_of_layer(const OciConfigInput& input, const LayerId& layer) {
    const auto maker = std::ranges::find_if(
        input.lineage, [&](const Image& image) { return contains(image.layers, layer); });
    const std::string created = time_text(input, *maker);
    if (maker->command.empty()) {
        return entry(created, maker->origin);
    }
    return entry(created, layer == maker->layers.back() ? maker->command : "source files");
}

/// How many layers a history speaks of.
size_t layers_in(const Json& history) {
    return static_cast<size_t>(std::ranges::count_if(history, [](const Json& line) {
        return !json_find<bool>(line, "empty_layer").value_or(false);
    }));
}

/// The history that an imported image came with, when it fits its layers.
Json original_history(const OciConfigInput& input) {
    const Image& image = input.lineage.back();
    const Image& first = input.lineage.front();
    const auto history =
        image.config.oci.is_object() ? json_find<Json>(image.config.oci, "history") : std::nullopt;
    if (!history || !history->is_array()) {
        return Json::array();
    }
    const size_t count = layers_in(*history);
    // Without its manifest we can only believe that it had as many layers.
    const size_t wanted = first.parent ? count : first.layers.size();
    const bool fits = count == wanted && count <= image.layers.size() &&
                      std::equal(first.layers.begin(),
                                 first.layers.begin() + static_cast<std::ptrdiff_t>(
                                                            std::min(count, first.layers.size())),
                                 image.layers.begin());
    return fits ? *history : Json::array();
}

Json history_of(const OciConfigInput& input) {
    Json history = original_history(input);
    for (size_t i = layers_in(history); i < input.layers.size(); ++i) {
        history.push_back(entry_of_layer(input, input.layers[i]));
    }
    return history;
}

Json environment_list(const std::map<std::string, std::string>& environment) {
    Json list = Json::array();
    for (const auto& [name, value] : environment) {
        list.push_back(name + "=" + value);
    }
    return list;
}

}  // namespace

std::string oci_created(const OciConfigInput& input) {
    const Image& image = input.lineage.back();
    if (!input.epoch && !image.parent && image.config.oci.is_object()) {
        if (const auto original = json_find<std::string>(image.config.oci, "created")) {
            return *original;
        }
    }
    return time_text(input, image);
}

Json oci_config(const OciConfigInput& input) {
    const store::ImageConfig& config = input.lineage.back().config;
    Json file = config.oci.is_object() ? config.oci : Json::object();
    Json& inner = file["config"];
    if (!inner.is_object()) {
        inner = Json::object();
    }
    inner["Env"] = environment_list(config.environment);
    inner["WorkingDir"] = config.workdir;
    if (!config.user.empty()) {
        inner["User"] = config.user;
    }
    if (!file.contains("architecture")) {
        const auto platform = archive::Platform::of_this_machine();
        file["architecture"] = platform.architecture;
        if (!platform.variant.empty()) {
            file["variant"] = platform.variant;
        }
    }
    if (!file.contains("os")) {
        file["os"] = "linux";
    }
    file["created"] = oci_created(input);
    file["rootfs"] = {{"type", "layers"}, {"diff_ids", input.diff_ids}};
    file["history"] = history_of(input);
    return file;
}

}  // namespace mstage::engine
