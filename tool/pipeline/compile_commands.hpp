#pragma once

#include <vector>

#include "base/json.hpp"
#include "pipeline/path_mapping.hpp"

namespace mstage::pipeline {

/// A JSON compilation database (compile_commands.json) with the paths below `from` as they are on
/// this machine, for tools such as clangd. Changed are "directory", "file", "output" and the words
/// of "command" or "arguments", as by PathMapper::word(). Throws Error when it is no such database.
Json map_compile_commands(const Json& database, const std::vector<PathMapping>& mappings);

}  // namespace mstage::pipeline
