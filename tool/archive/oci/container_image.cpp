#include "archive/oci/container_image.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <utility>

#include "archive/member_path.hpp"
#include "base/error.hpp"

namespace mstage::archive {

namespace {

namespace mt = media_type;

bool is_manifest(std::string_view type) {
    return type == mt::k_oci_manifest || type == mt::k_docker_manifest;
}

void check_layer_type(const Descriptor& layer) {
    static constexpr std::array k_known = {mt::k_oci_layer,         mt::k_oci_layer_gzip,
                                           mt::k_oci_layer_zstd,    mt::k_docker_layer,
                                           mt::k_docker_layer_gzip, mt::k_docker_layer_zstd};
    if (std::ranges::find(k_known, layer.media_type) != k_known.end()) {
        return;
    }
    const bool foreign = layer.media_type.find("nondistributable") != std::string::npos ||
                         layer.media_type.find("foreign") != std::string::npos;
    if (foreign) {
        throw Error(
            "layer '{}' may not be distributed and is not part of the image: its type is '{}'",
            layer.digest.str(), printable(layer.media_type));
    }
    throw with_hint(Error("layer '{}' is of the unknown type '{}'", layer.digest.str(),
                          printable(layer.media_type)),
                    "layers can be tars, plain or compressed with gzip or zstd");
}

std::vector<Digest> diff_ids_of(const Json& config) {
    const Json rootfs = json_get<Json>(config, "rootfs");
    std::vector<Digest> diff_ids;
    for (const auto& text : json_find<std::vector<std::string>>(rootfs, "diff_ids")
                                .value_or(std::vector<std::string>())) {
        diff_ids.push_back(Digest::parse(text));
    }
    return diff_ids;
}

Json parse_config(std::string_view text) {
    Json config = parse_json(text, "the image's configuration");
    if (!config.is_object() || !config.contains("rootfs")) {
        throw Error("the image's configuration is that of no root filesystem");
    }
    return config;
}

std::string platform_name(const Json& entry) {
    const Json platform = json_find<Json>(entry, "platform").value_or(Json::object());
    std::string name = json_find<std::string>(platform, "os").value_or("?") + "/" +
                       json_find<std::string>(platform, "architecture").value_or("?");
    const auto variant = json_find<std::string>(platform, "variant");
    return variant && !variant->empty() ? name + "/" + *variant : name;
}

}  // namespace

Platform Platform::of_this_machine() {
    utsname machine{};
    ::uname(&machine);
    static constexpr std::array<std::pair<std::string_view, const char*>, 5> k_names = {
        {{"x86_64", "amd64"},
         {"aarch64", "arm64"},
         {"i686", "386"},
         {"loongarch64", "loong64"},
         {"armv7l", "arm"}}};
    const auto known = std::ranges::find(k_names, std::string_view(machine.machine),
                                         &decltype(k_names)::value_type::first);
    Platform platform{known != k_names.end() ? known->second : machine.machine, ""};
    if (platform.architecture == "arm") {
        platform.variant = "v7";
    }
    return platform;
}

bool is_index(std::string_view type) {
    return type == mt::k_oci_index || type == mt::k_docker_list;
}

std::string media_type_of(const Json& manifest) {
    if (const auto type = json_find<std::string>(manifest, "mediaType"); type && !type->empty()) {
        return *type;
    }
    if (manifest.contains("manifests")) {
        return std::string(mt::k_oci_index);
    }
    return manifest.contains("config") && manifest.contains("layers")
               ? std::string(mt::k_oci_manifest)
               : "(none)";
}

Descriptor choose_manifest(const Json& index, const Platform& platform) {
    const std::string wanted = "linux/" + platform.architecture;
    std::optional<Descriptor> fallback;
    std::string known;
    for (const Json& entry : json_get<Json>(index, "manifests")) {
        const std::string name = platform_name(entry);
        if (name == wanted + "/" + platform.variant) {
            return descriptor_from_json(entry);
        }
        // Variants are steps of one family: "arm64" is "arm64/v8", and the first is the lowest.
        if (!fallback && (name == wanted || name.starts_with(wanted + "/"))) {
            fallback = descriptor_from_json(entry);
        }
        known += (known.empty() ? "" : ", ") + name;
    }
    if (!fallback) {
        throw Error("there is no image for this machine, {}, but for: {}", wanted,
                    known.empty() ? "none" : printable(known));
    }
    return *fallback;
}

Descriptor config_of(const Json& manifest) {
    if (const std::string type = media_type_of(manifest); !is_manifest(type)) {
        throw Error("manifests of type '{}' are not known", printable(type));
    }
    return descriptor_from_json(json_get<Json>(manifest, "config"));
}

ContainerImage image_from_manifest(const Json& manifest, std::string_view config) {
    const Descriptor expected = config_of(manifest);
    with_context("the image's configuration", [&] { verify(expected, config); });
    ContainerImage image{
        .config_digest = expected.digest, .config = parse_config(config), .layers = {}};
    const std::vector<Digest> diff_ids = diff_ids_of(image.config);
    const Json layers = json_get<Json>(manifest, "layers");
    if (!layers.is_array()) {
        throw Error("field 'layers' has the wrong type");
    }
    if (layers.size() != diff_ids.size()) {
        throw Error("the manifest has {} layers, and the configuration {}", layers.size(),
                    diff_ids.size());
    }
    for (size_t i = 0; i < diff_ids.size(); ++i) {
        const Descriptor blob = descriptor_from_json(layers[i]);
        check_layer_type(blob);
        image.layers.push_back({diff_ids[i], blob, "blobs/sha256/" + blob.digest.hex()});
    }
    return image;
}

namespace {

std::string read_blob(const ImageFiles& files, const Descriptor& blob) {
    std::string content = read_document(files.get("blobs/sha256/" + blob.digest.hex()));
    verify(blob, content);
    return content;
}

constexpr const char* k_ref_name = "org.opencontainers.image.ref.name";

std::string tag_of(const Json& entry) {
    const Json annotations = json_find<Json>(entry, "annotations").value_or(Json::object());
    return json_find<std::string>(annotations, k_ref_name).value_or("");
}

Error unclear_tag(const std::optional<std::string>& tag, const std::string& known) {
    const std::string hint =
        known.empty() ? "no image in it has a tag" : "its tags are: " + printable(known);
    return tag ? with_hint(Error("it has no image with the tag '{}'", printable(*tag)), hint)
               : with_hint(Error("it has more than one image: a tag has to say which"), hint);
}

/// The entry of a layout's index.json that is asked for. Several with one tag are for several
/// machines.
Descriptor find_in_layout(const Json& index, const std::optional<std::string>& tag,
                          const Platform& platform) {
    Json found = Json::array();
    std::string known;
    for (const Json& entry : json_get<Json>(index, "manifests")) {
        const std::string name = tag_of(entry);
        if (!tag || name == *tag) {
            found.push_back(entry);
        }
        if (!name.empty()) {
            known += (known.empty() ? "" : ", ") + name;
        }
    }
    const bool one_tag = std::ranges::all_of(
        found, [&](const Json& entry) { return tag_of(entry) == tag_of(found.front()); });
    if (found.empty() && !tag) {
        throw Error("it has no image");
    }
    if (found.empty() || !one_tag) {
        throw unclear_tag(tag, known);
    }
    return found.size() == 1 ? descriptor_from_json(found.front())
                             : choose_manifest({{"manifests", found}}, platform);
}

}  // namespace

ContainerImage read_oci_layout(const ImageFiles& files, const std::optional<std::string>& tag,
                               const Platform& platform) {
    if (!files.find("oci-layout") || !files.find("index.json")) {
        throw Error("it is no OCI image layout: it has no 'oci-layout' and 'index.json'");
    }
    const Json layout = parse_json(read_document(files.get("oci-layout")), "'oci-layout'");
    if (const auto version = json_get<std::string>(layout, "imageLayoutVersion");
        !version.starts_with("1.")) {
        throw Error("version '{}' of the OCI image layout is not known", printable(version));
    }
    const Json index = parse_json(read_document(files.get("index.json")), "'index.json'");
    Descriptor wanted = find_in_layout(index, tag, platform);
    // An index may be in an index; deeper ones only a hostile layout has.
    for (int depth = 0; depth < 4; ++depth) {
        const Json document = parse_json(read_blob(files, wanted), "the image's manifest");
        if (!is_index(media_type_of(document))) {
            return image_from_manifest(document, read_blob(files, config_of(document)));
        }
        wanted = choose_manifest(document, platform);
    }
    throw Error("its indexes are nested too deep");
}

namespace {

std::vector<std::string> tags_of(const Json& entry) {
    return json_find<std::vector<std::string>>(entry, "RepoTags")
        .value_or(std::vector<std::string>());
}

/// As docker shows it: its own registry goes without saying, and so does the tag "latest".
std::string familiar(std::string name) {
    for (const std::string_view prefix : {"docker.io/", "library/"}) {
        if (name.starts_with(prefix)) {
            name.erase(0, prefix.size());
        }
    }
    const std::string_view tag = ":latest";
    return name.ends_with(tag) ? name.substr(0, name.size() - tag.size()) : name;
}

Json find_in_docker_archive(const Json& images, const std::optional<std::string>& tag) {
    if (!images.is_array() || images.empty()) {
        throw Error("it has no image");
    }
    std::string known;
    for (const Json& image : images) {
        for (const std::string& name : tags_of(image)) {
            if (tag && familiar(name) == familiar(*tag)) {
                return image;
            }
            known += (known.empty() ? "" : ", ") + name;
        }
    }
    if (tag || images.size() > 1) {
        throw unclear_tag(tag, known);
    }
    return images.front();
}

}  // namespace

ContainerImage read_docker_archive(const ImageFiles& files, const std::optional<std::string>& tag) {
    if (!files.find("manifest.json")) {
        throw Error("it is no archive of 'docker save': it has no 'manifest.json'");
    }
    const Json manifest = find_in_docker_archive(
        parse_json_value(read_document(files.get("manifest.json")), "'manifest.json'"), tag);
    const std::string config = read_document(files.get(json_get<std::string>(manifest, "Config")));
    ContainerImage image{
        .config_digest = Digest::of(config), .config = parse_config(config), .layers = {}};
    const std::vector<Digest> diff_ids = diff_ids_of(image.config);
    const auto layers = json_get<std::vector<std::string>>(manifest, "Layers");
    if (layers.size() != diff_ids.size()) {
        throw Error("'manifest.json' has {} layers, and the image's configuration {}",
                    layers.size(), diff_ids.size());
    }
    for (size_t i = 0; i < layers.size(); ++i) {
        image.layers.push_back({diff_ids[i], std::nullopt, MemberPath::parse(layers[i]).str()});
    }
    return image;
}

}  // namespace mstage::archive
