// Images: lists of them, one, tags.

#include <algorithm>
#include <map>
#include <set>

#include "agent/fit.hpp"
#include "agent/tools/arguments.hpp"
#include "agent/tools/tools.hpp"
#include "base/text.hpp"

namespace mstage::agent {

namespace {

using Tags = std::multimap<engine::ImageId, std::string>;

Tags tags_of(engine::Engine& engine) {
    Tags tags;
    for (auto& [name, image] : engine.tags()) {
        tags.emplace(image, std::move(name));
    }
    return tags;
}

Json names_of(const Tags& tags, const engine::ImageId& image) {
    std::set<std::string> names;
    const auto [begin, end] = tags.equal_range(image);
    for (auto tag = begin; tag != end; ++tag) {
        names.insert(tag->second);
    }
    return names;
}

/// What lists have of it too.
Json to_entry(const engine::Image& image, Json names) {
    return {{"uuid", image.id.str()},
            {"tag", names.empty() ? Json() : names.front()},
            {"tags", std::move(names)},
            {"created_at", format_time(image.created)},
            {"origin", image.origin},
            {"state", image.state == engine::ImageState::failed ? "failed" : "good"}};
}

bool is_wanted(const Json& arguments, const engine::Image& image, const Json& names) {
    if (const auto tagged = json_find<bool>(arguments, "tagged");
        tagged && *tagged == names.empty()) {
        return false;
    }
    if (const auto prefix = json_find<std::string>(arguments, "tag_prefix");
        prefix && std::ranges::none_of(names, [&](const Json& name) {
            return name.get_ref<const std::string&>().starts_with(tag_name(*prefix));
        })) {
        return false;
    }
    const auto since = json_find<std::string>(arguments, "since");
    const auto until = json_find<std::string>(arguments, "until");
    return (!since || image.created >= parse_point_in_time(*since)) &&
           (!until || image.created <= parse_point_in_time(*until));
}

}  // namespace

Json list_images(const Settings& settings, const Json& arguments) {
    const Place place = open_place(settings, arguments);
    const Tags tags = tags_of(*place.engine);
    const auto offset = json_get<size_t>(arguments, "offset");
    const auto limit = json_find<size_t>(arguments, "limit");
    size_t total = 0;
    Json answer = {{"images", Json::array()}};
    for (const engine::Image& image : place.engine->images()) {
        Json names = names_of(tags, image.id);
        if (!is_wanted(arguments, image, names)) {
            continue;
        }
        if (total >= offset && answer["images"].size() < limit.value_or(SIZE_MAX)) {
            answer["images"].push_back(to_entry(image, std::move(names)));
        }
        ++total;
    }
    fit_page(answer, "images", offset, total, limit ? SIZE_MAX : k_compact_result);
    return answer;
}

Json get_image(const Settings& settings, const Json& arguments) {
    const Place place = open_place(settings, arguments);
    const engine::Image image = place.engine->image(pipeline::resolve_image(
        *place.engine, place.tree, json_get<std::string>(arguments, "image")));
    Json answer = to_entry(image, names_of(tags_of(*place.engine), image.id));
    answer["parent"] = json_or_null(image.parent);
    answer["command"] = image.command;
    answer["operation_id"] = json_or_null(image.run);
    answer["layers"] = image.layers.size();
    answer["size_bytes"] = place.engine->size_of(image);
    answer["env"] = image.config.environment;
    answer["cwd"] = image.config.workdir;
    answer["user"] = image.config.user;
    fit(answer);
    return answer;
}

Json set_tag(const Settings& settings, const Json& arguments) {
    const Place place = open_place(settings, arguments);
    const engine::ImageId image = pipeline::resolve_image(
        *place.engine, place.tree, json_get<std::string>(arguments, "image_uuid"));
    if (const auto name = json_find<std::string>(arguments, "tag")) {
        place.engine->set_tag(tag_name(*name), image);
    } else {
        for (const Json& tag : names_of(tags_of(*place.engine), image)) {
            place.engine->remove_tag(tag.get<std::string>());
        }
    }
    Json answer = {{"uuid", image.str()},
                   {"tag", arguments.value("tag", Json())},
                   {"tags", names_of(tags_of(*place.engine), image)}};
    fit(answer);
    return answer;
}

}  // namespace mstage::agent
