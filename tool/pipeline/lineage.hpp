#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "pipeline/build_tree.hpp"

namespace mstage::pipeline {

/// What people call images: checkpoints of the build tree (also "…@-1" and "…@failed"), and tags as
/// "tag:NAME".
std::map<engine::ImageId, std::vector<std::string>> image_names(
    engine::Engine& engine, const std::optional<BuildTree>& tree);

struct LineageEntry {
    engine::Image image;
    std::vector<std::string> names;
    std::uint64_t own_size = 0;  ///< bytes on disk of the layers that its parent does not have
};

struct Lineage {
    std::vector<LineageEntry> chain;        ///< from the first that is there to the image itself
    std::optional<engine::ImageId> lost{};  ///< what the first was made from, when that is gone
};

Lineage lineage_of(engine::Engine& engine, const std::optional<BuildTree>& tree,
                   const engine::Image& image);

struct Descendant {
    LineageEntry entry;
    std::vector<Descendant> children;  ///< oldest first
};

/// All that was made from the image and is there.
Descendant descendants_of(engine::Engine& engine, const std::optional<BuildTree>& tree,
                          const engine::Image& image);

}  // namespace mstage::pipeline
