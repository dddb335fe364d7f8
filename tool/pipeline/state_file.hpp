#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/json.hpp"
#include "base/text.hpp"

/// Small JSON files of a state directory. One that is missing or not whole means that the thing that
/// it would tell of isn't there; so does a field of it that is not as we write it.
namespace mstage::pipeline {

/// Nothing also when it is of another version.
std::optional<Json> read_state_file(const std::filesystem::path& path, int version);
/// What is not there is success.
void remove_state_file(const std::filesystem::path& path);

std::optional<std::string> find_text(const Json& json, const char* name);
std::optional<TimePoint> find_time(const Json& json, const char* name);

template <typename T>
std::optional<T> find_id(const Json& json, const char* name) {
    const auto text = find_text(json, name);
    return text ? T::parse(*text) : std::nullopt;
}

}  // namespace mstage::pipeline
