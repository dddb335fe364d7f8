#pragma once

#include <string>
#include <vector>

#include "engine/local/image_tree.hpp"
#include "engine/local/touched_paths.hpp"

namespace mstage::engine {

enum class Times { compared, ignored };

/// Compares two mounted images at `path`, which leads through no links in either of them, where
/// they may differ. Files that are the same file of the same layer are not read.
std::vector<FileChange> diff_trees(const ImageTree& before, const ImageTree& after,
                                   const std::string& path, const TouchedPaths& touched,
                                   Times times);

}  // namespace mstage::engine
