#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"

namespace mstage::pipeline {

/// A directory of an image and what it is called on this machine; both absolute, without a '/' at
/// the end.
struct PathMapping {
    std::string from;
    std::string to;
};

/// "FROM=TO". Throws UsageError unless both are absolute and FROM is not "/".
PathMapping parse_path_mapping(const std::string& text);

/// A JSON compilation database (compile_commands.json) with the paths below `from` as they are on
/// this machine, for tools such as clangd. Of mappings that fit the one with the longest `from`
/// counts. Changed are "directory", "file", "output" and the words of "command" or "arguments",
/// where a path may be a word, follow an option such as -I, or stand behind '=', ',', ':', '@' or a
/// quote. Other paths, also those that only start with the same letters, stay. Throws Error when it
/// is no such database.
Json map_compile_commands(const Json& database, const std::vector<PathMapping>& mappings);

}  // namespace mstage::pipeline
