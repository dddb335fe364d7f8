#include "pipeline/state_file.hpp"

#include <unistd.h>

#include "base/error.hpp"
#include "base/file.hpp"

namespace mstage::pipeline {

std::optional<Json> read_state_file(const std::filesystem::path& path, int version) {
    const auto text = read_file_if_exists(path);
    if (!text) {
        return std::nullopt;
    }
    try {
        Json json = parse_json(*text, path.native());
        return json_get<int>(json, "version") == version ? std::optional(std::move(json))
                                                         : std::nullopt;
    } catch (const Error&) {
        return std::nullopt;
    }
}

void remove_state_file(const std::filesystem::path& path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
        throw SysError(errno, "removing '{}'", path.native());
    }
}

std::optional<std::string> find_text(const Json& json, const char* name) {
    const auto member = json.find(name);
    const bool is_text = member != json.end() && member->is_string();
    return is_text ? std::optional(member->get<std::string>()) : std::nullopt;
}

std::optional<TimePoint> find_time(const Json& json, const char* name) {
    const auto text = find_text(json, name);
    try {
        return text ? std::optional(parse_time(*text)) : std::nullopt;
    } catch (const Error&) {
        return std::nullopt;
    }
}

}  // namespace mstage::pipeline
