#pragma once

#include <filesystem>
#include <vector>

#include "engine/engine.hpp"

namespace mstage::engine {

/// Gives the changes of regular files their text, which the program `diff` tells. The images are
/// mounted at `before` and `after`, and no path of a change leads through a link.
void add_texts(const std::filesystem::path& before, const std::filesystem::path& after,
               const TextLimits& limits, std::vector<FileChange>& changes);

}  // namespace mstage::engine
