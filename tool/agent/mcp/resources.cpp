#include "agent/mcp/resources.hpp"

#include "agent/guide.hpp"
#include "agent/image_file.hpp"
#include "agent/tools/arguments.hpp"
#include "base/error.hpp"
#include "pipeline/lineage.hpp"

namespace mstage::agent {

namespace {

constexpr std::string_view k_scheme = "mstage://";
constexpr size_t k_largest = 1 << 20;  // bytes of a resource

Json text_resource(const std::string& uri, const char* type, const std::string& text) {
    Json content = {{"uri", uri}, {"mimeType", type}, {"text", text}};
    return {{"contents", Json::array({std::move(content)})}};
}

std::string ls_text(const std::vector<engine::FileInfo>& files) {
    std::string text;
    for (const engine::FileInfo& file : files) {
        text +=
            fmt::format("{} {:04o} {}:{} {:>10} {}{}{}\n", file.type, file.mode, file.uid, file.gid,
                        file.size, file.path, file.target.empty() ? "" : " -> ", file.target);
    }
    return text;
}

Json to_json(const pipeline::LineageEntry& entry) {
    return {{"image", entry.image.id.str()},
            {"names", entry.names},
            {"parent", json_or_null(entry.image.parent)},
            {"origin", entry.image.origin},
            {"command", entry.image.command},
            {"created_at", format_time(entry.image.created)},
            {"state", entry.image.state == engine::ImageState::failed ? "failed" : "good"}};
}

Json lineage_of(const Place& place, const engine::Image& image) {
    const pipeline::Lineage lineage = pipeline::lineage_of(*place.engine, place.tree, image);
    const pipeline::Descendant tree = pipeline::descendants_of(*place.engine, place.tree, image);
    Json ancestors = Json::array();
    for (const pipeline::LineageEntry& entry : lineage.chain) {
        if (entry.image.id != image.id) {
            ancestors.push_back(to_json(entry));
        }
    }
    Json children = Json::array();
    for (const pipeline::Descendant& child : tree.children) {
        children.push_back(to_json(child.entry));
    }
    return {{"image", image.id.str()},
            {"data", to_json(tree.entry)},
            {"parent", json_or_null(image.parent)},
            {"root", ancestors.empty() ? Json(image.id.str()) : ancestors.front()["image"]},
            {"depth", ancestors.size()},
            {"ancestors", std::move(ancestors)},
            {"children", std::move(children)},
            {"lost", json_or_null(lineage.lost)}};
}

Json read_file_resource(const Place& place, const engine::Image& image, const std::string& uri,
                        const std::string& path) {
    const ImageFile file(*place.engine, image, path);
    if (file.size() > k_largest) {
        throw with_hint(Error("'{}' has {} bytes, too many for a resource", path, file.size()),
                        "the tool read_file reads parts, download copies all of it");
    }
    const FilePart part = file.read(0, k_largest);
    if (part.is_text && part.size == file.size()) {
        return text_resource(uri, "text/plain", part.content);
    }
    Json content = {{"uri", uri},
                    {"mimeType", "application/octet-stream"},
                    {"blob", file.read_bytes().content}};
    return {{"contents", Json::array({std::move(content)})}};
}

/// `rest` is IMAGE/read/PATH, IMAGE/ls/PATH or IMAGE/lineage.
Json read_image_resource(const Settings& settings, const std::string& uri, std::string_view rest) {
    const size_t slash = rest.find('/');
    const std::string name = decode_percent(rest.substr(0, slash));
    const std::string what(slash == std::string_view::npos ? "" : rest.substr(slash + 1));
    const Place place = settings.open(std::nullopt);
    const auto image = [&] {
        return get_image_argument(settings, place, {{"image", name}}, "image");
    };
    if (what == "lineage") {
        return text_resource(uri, "application/json", dump_json(lineage_of(place, image())));
    }
    for (const std::string_view verb : {"read", "ls"}) {
        if (!what.starts_with(verb) || (what.size() > verb.size() && what[verb.size()] != '/')) {
            continue;
        }
        std::string path = decode_percent(std::string_view(what).substr(verb.size()));
        while (path.starts_with("//")) {
            path.erase(0, 1);
        }
        path = path.empty() ? "/" : path;
        return verb == "ls" ? text_resource(uri, "text/plain",
                                            ls_text(place.engine->list(image(), path, false)))
                            : read_file_resource(place, image(), uri, path);
    }
    throw NoResource("resource '{}' is unknown", uri);
}

std::string guide_uri(const GuideSection& section) {
    return fmt::format("{}guide/{}", k_scheme, section.name);
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

std::string decode_percent(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
        const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
        if (low >= 0) {
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string encode_percent(std::string_view text) {
    constexpr std::string_view k_plain = "-._~";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || k_plain.find(c) != std::string_view::npos;
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

Json list_resources(const Settings& settings) {
    Json resources = Json::array();
    for (const GuideSection& section : guide()) {
        resources.push_back({{"uri", guide_uri(section)},
                             {"name", "guide/" + section.name},
                             {"title", section.title},
                             {"mimeType", "text/markdown"}});
    }
    const Place place = settings.open(std::nullopt);
    for (const auto& [tag, image] : place.engine->tags()) {
        resources.push_back(
            {{"uri", fmt::format("{}image/{}/lineage", k_scheme, encode_percent("tag:" + tag))},
             {"name", "lineage of tag:" + tag},
             {"mimeType", "application/json"}});
    }
    return {{"resources", std::move(resources)}};
}

Json list_resource_templates() {
    const auto entry = [](const char* uri, const char* name, const char* description,
                          const char* type) {
        return Json{{"uriTemplate", std::string(k_scheme) + uri},
                    {"name", name},
                    {"description", description},
                    {"mimeType", type}};
    };
    return {
        {"resourceTemplates",
         {entry("image/{image}/read/{+path}", "file", "A file of an image", "text/plain"),
          entry("image/{image}/ls/{+path}", "directory", "The files in a directory of an image",
                "text/plain"),
          entry("image/{image}/lineage", "lineage", "What an image was made from, and what from it",
                "application/json"),
          entry("operation/{id}", "operation", "A run, an import or a build", "application/json"),
          entry("guide/{section}", "guide", "How to work with this server", "text/markdown")}}};
}

Json read_resource(const Settings& settings, const OperationQueue& operations,
                   const std::string& uri) {
    const auto rest_behind = [&](std::string_view kind) -> std::optional<std::string_view> {
        const std::string prefix = std::string(k_scheme) + std::string(kind) + "/";
        return uri.starts_with(prefix) ? std::optional(std::string_view(uri).substr(prefix.size()))
                                       : std::nullopt;
    };
    if (const auto name = rest_behind("guide")) {
        if (const GuideSection* section = find_guide_section(decode_percent(*name))) {
            return text_resource(uri, "text/markdown", std::string(section->text));
        }
    }
    if (const auto rest = rest_behind("image")) {
        return read_image_resource(settings, uri, *rest);
    }
    if (const auto id = rest_behind("operation")) {
        if (const auto operation = operations.find(std::string(*id))) {
            return text_resource(uri, "application/json",
                                 dump_json(to_answer(*operation, OutputLimit(k_largest))));
        }
    }
    throw NoResource("resource '{}' is unknown", uri);
}

}  // namespace mstage::agent
