#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace mstage {

using Json = nlohmann::json;

/// Parses `text`, an object; an Error names `what` ("plan '/x/plan.json'") and the place of the
/// fault. Documents that are nested deeper than any of ours are refused.
Json parse_json(std::string_view text, std::string_view what);

/// The same for a document that may be anything.
Json parse_json_value(std::string_view text, std::string_view what);

/// One line, for files and for --json. Bytes that are no UTF-8 (file names may hold any) become
/// U+FFFD.
std::string dump_json(const Json& json);
/// The same, indented, for people and for files that are read by them.
std::string dump_json_indented(const Json& json);

/// The member `name` of `object` as a T; an Error says which member is missing or has the wrong
/// type.
template <typename T>
T json_get(const Json& object, const char* name) {
    const auto member = object.find(name);
    if (member == object.end()) {
        throw Error("field '{}' is missing", name);
    }
    try {
        return member->get<T>();
    } catch (const nlohmann::json::exception&) {
        throw Error("field '{}' has the wrong type", name);
    }
}

/// Nothing when the member is missing or null.
template <typename T>
std::optional<T> json_find(const Json& object, const char* name) {
    const auto member = object.find(name);
    if (member == object.end() || member->is_null()) {
        return std::nullopt;
    }
    return json_get<T>(object, name);
}

/// null when there is nothing; an id as its text.
template <typename T>
Json json_or_null(const std::optional<T>& value) {
    if (!value) {
        return nullptr;
    }
    if constexpr (requires { value->str(); }) {
        return value->str();
    } else {
        return *value;
    }
}

}  // namespace mstage
