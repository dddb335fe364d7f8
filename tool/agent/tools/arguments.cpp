#include "agent/tools/arguments.hpp"

#include <charconv>
#include <map>

#include "base/error.hpp"

namespace mstage::agent {

Place open_place(const Settings& settings, const Json& arguments) {
    const auto build_dir = json_find<std::string>(arguments, "build_dir");
    if (!build_dir) {
        return settings.open(std::nullopt);
    }
    const std::filesystem::path directory = settings.roots.resolve(*build_dir);
    Place place = settings.open(directory);
    if (!place.tree) {
        throw with_hint(Error("'{}' is in no build tree with pipelines", *build_dir),
                        "configure a project that uses MultiStageBuild: cmake -G Ninja -B build");
    }
    // It may be one that the directory is only a part of.
    settings.roots.resolve(place.tree->directory().native());
    return place;
}

Place open_build_tree(const Settings& settings, const Json& arguments) {
    Place place = open_place(settings, arguments);
    if (!place.tree) {
        throw with_hint(Error("which build tree?"),
                        "give build_dir, or start the server in a build tree (-C DIR)");
    }
    return place;
}

engine::Image get_image_argument(const Settings& settings, const Place& place,
                                 const Json& arguments, const char* name) {
    const auto text = json_get<std::string>(arguments, name);
    engine::Image image =
        place.engine->image(pipeline::resolve_image(*place.engine, place.tree, text));
    if (image.ground == engine::Ground::host && !settings.allow_host) {
        throw with_hint(
            Error("image '{}' is on base 'host', which shows this machine's own system", text),
            "the server has to be started with --allow-host for that");
    }
    return image;
}

std::string tag_name(const std::string& text) {
    constexpr std::string_view k_prefix = "tag:";
    return text.starts_with(k_prefix) ? text.substr(k_prefix.size()) : text;
}

TimePoint parse_point_in_time(const std::string& text) {
    static const std::map<char, std::chrono::seconds> k_units = {{'s', std::chrono::seconds(1)},
                                                                 {'m', std::chrono::minutes(1)},
                                                                 {'h', std::chrono::hours(1)},
                                                                 {'d', std::chrono::days(1)},
                                                                 {'w', std::chrono::weeks(1)}};
    const auto unit = text.empty() ? k_units.end() : k_units.find(text.back());
    if (unit != k_units.end()) {
        std::int32_t count = 0;
        const char* end = text.data() + text.size() - 1;
        const auto [last, error] = std::from_chars(text.data(), end, count);
        constexpr std::int32_t k_most = 5000;  // of weeks a century
        if (error == std::errc() && last == end && count >= 0 &&
            (count <= k_most || unit->second < std::chrono::hours(1))) {
            return std::chrono::system_clock::now() - count * unit->second;
        }
    }
    try {
        return parse_time(text);
    } catch (const Error&) {
        throw with_hint(Error("'{}' is no time", text),
                        "2026-01-31T12:00:00Z is one, or how long ago: 15m, 2h, 3d, 1w");
    }
}

}  // namespace mstage::agent
