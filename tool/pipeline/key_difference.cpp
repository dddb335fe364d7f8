#include "pipeline/key_difference.hpp"

#include <algorithm>
#include <set>

namespace mstage::pipeline {

namespace {

/// The order in which people want to hear of them; what is not named here comes last.
size_t rank(const std::string& part) {
    static const std::vector<std::string> k_order = {"format", "engine",  "parent",     "copies",
                                                     "inputs", "command", "environment"};
    return static_cast<size_t>(std::ranges::find(k_order, part) - k_order.begin());
}

Json member(const Json& object, const std::string& name) {
    const auto found = object.find(name);
    return found == object.end() ? Json() : *found;
}

/// A list of copies by what is copied where, so that each can be told from the others.
Json by_place(const Json& copies) {
    Json places = Json::object();
    for (const Json& copy : copies) {
        places[copy_name(json_get<std::string>(copy, "path"),
                         json_get<std::string>(copy, "destination"))] = member(copy, "image");
    }
    return places;
}

void compare_members(const std::string& part, const Json& before, const Json& after,
                     std::vector<KeyDifference>& differences) {
    std::set<std::string> names;
    for (const Json& object : {before, after}) {
        for (const auto& [name, value] : object.items()) {
            names.insert(name);
        }
    }
    for (const std::string& name : names) {
        Json old = member(before, name);
        Json now = member(after, name);
        if (old != now) {
            differences.push_back({part, name, std::move(old), std::move(now)});
        }
    }
}

bool is_object_or_null(const Json& json) {
    return json.is_object() || json.is_null();
}

}  // namespace

std::string copy_name(const std::string& path, const std::string& destination) {
    return destination.empty() ? path : path + " → " + destination;
}

std::vector<KeyDifference> key_differences(const Json& before, const Json& after) {
    std::vector<KeyDifference> parts;
    compare_members("", before, after, parts);
    std::vector<KeyDifference> differences;
    for (KeyDifference& part : parts) {
        if (part.name == "copies") {
            part.before = by_place(part.before);
            part.after = by_place(part.after);
        }
        const bool has_members = is_object_or_null(part.before) && is_object_or_null(part.after);
        if (has_members) {
            compare_members(part.name, part.before, part.after, differences);
        } else {
            differences.push_back({part.name, "", std::move(part.before), std::move(part.after)});
        }
    }
    std::ranges::stable_sort(differences, {},
                             [](const KeyDifference& difference) { return rank(difference.part); });
    return differences;
}

}  // namespace mstage::pipeline
