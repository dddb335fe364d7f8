#include "store/image.hpp"

namespace mstage::store {

namespace {

constexpr int k_version = 1;

template <typename T>
T parse_id(const std::string& text) {
    const auto id = T::parse(text);
    if (!id) {
        throw Error("'{}' is not a UUID", text);
    }
    return *id;
}

template <typename T>
std::optional<T> find_id(const Json& json, const char* name) {
    const auto text = json_find<std::string>(json, name);
    return text ? std::optional(parse_id<T>(*text)) : std::nullopt;
}

Json config_to_json(const ImageConfig& config) {
    return {{"environment", config.environment},
            {"workdir", config.workdir},
            {"user", config.user},
            {"oci", config.oci}};
}

ImageConfig config_from_json(const Json& json) {
    // Manifests of the first versions lack the last two.
    return {.environment = json_get<std::map<std::string, std::string>>(json, "environment"),
            .workdir = json_get<std::string>(json, "workdir"),
            .user = json_find<std::string>(json, "user").value_or(""),
            .oci = json_find<Json>(json, "oci").value_or(Json())};
}

}  // namespace

Json to_json(const Image& image) {
    Json layers = Json::array();
    for (const LayerId& layer : image.layers) {
        layers.push_back(layer.str());
    }
    return {
        {"version", k_version},
        {"id", image.id.str()},
        {"ground", image.ground == Ground::host ? "host" : "empty"},
        {"layers", std::move(layers)},
        {"config", config_to_json(image.config)},
        {"state", image.state == ImageState::failed ? "failed" : "good"},
        {"parent", json_or_null(image.parent)},
        {"origin", image.origin},
        {"command", image.command},
        {"run", json_or_null(image.run)},
        {"key", image.key ? Json(*image.key) : Json()},
        {"key_parts", image.key_parts},
        {"created", format_time(image.created)},
        {"boot", image.boot},
        {"synced", image.synced},
    };
}

Image image_from_json(const Json& json) {
    if (const int version = json_get<int>(json, "version"); version != k_version) {
        throw Error("version {} of the manifest's format is not known to this mstage", version);
    }
    Image image{.id = parse_id<ImageId>(json_get<std::string>(json, "id"))};
    image.ground = json_get<std::string>(json, "ground") == "host" ? Ground::host : Ground::empty;
    for (const auto& layer : json_get<std::vector<std::string>>(json, "layers")) {
        image.layers.push_back(parse_id<LayerId>(layer));
    }
    image.config = config_from_json(json_get<Json>(json, "config"));
    image.state =
        json_get<std::string>(json, "state") == "failed" ? ImageState::failed : ImageState::good;
    image.parent = find_id<ImageId>(json, "parent");
    image.origin = json_get<std::string>(json, "origin");
    image.command = json_get<std::string>(json, "command");
    image.run = find_id<RunId>(json, "run");
    image.key = json_find<std::string>(json, "key");
    image.key_parts = json_get<Json>(json, "key_parts");
    image.created = parse_time(json_get<std::string>(json, "created"));
    image.boot = json_get<std::string>(json, "boot");
    image.synced = json_get<bool>(json, "synced");
    return image;
}

}  // namespace mstage::store
