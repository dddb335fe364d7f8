#pragma once

#include <string_view>

namespace mstage {

/// Whether the path is the directory or is in it, by the names alone: both without "." and "..", and
/// without a '/' at the end, unless it is the root.
inline bool is_below(std::string_view path, std::string_view directory) {
    return path.starts_with(directory) &&
           (path.size() == directory.size() || directory.ends_with('/') ||
            path[directory.size()] == '/');
}

}  // namespace mstage
