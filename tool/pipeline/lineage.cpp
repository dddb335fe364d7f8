#include "pipeline/lineage.hpp"

#include <algorithm>
#include <ranges>
#include <set>

#include "pipeline/checkpoint.hpp"
#include "pipeline/failures.hpp"
#include "pipeline/history.hpp"
#include "pipeline/tree_change.hpp"

namespace mstage::pipeline {

namespace {

using engine::Image;
using engine::ImageId;

using Names = std::map<ImageId, std::vector<std::string>>;

/// Sorted oldest first under the image that they were made from.
using Children = std::map<ImageId, std::vector<Image>>;

void add_checkpoint(const Plan& plan, const std::string& checkpoint, Names& names) {
    if (const auto marker = read_checkpoint(plan, checkpoint)) {
        names[marker->image].push_back(plan.full_name(checkpoint));
    }
    // Each image under the youngest of its generations.
    std::vector<HistoryEntry> generations = read_generations(plan, checkpoint);
    std::set<ImageId> seen;
    for (size_t steps = read_checkpoint(plan, checkpoint) ? 0 : 1; !generations.empty(); ++steps, generations.pop_back()) {
        const ImageId& image = *generations.back().image;
        if (seen.insert(image).second && steps > 0) {
            names[image].push_back(fmt::format("{}@-{}", plan.full_name(checkpoint), steps));
        }
    }
    const std::vector<Failure> failures = read_failures(plan, checkpoint).attempts;
    for (size_t i = 0; i < failures.size(); ++i) {
        names[failures[i].state].push_back(plan.full_name(checkpoint) + "@failed" +
                                           (i == 0 ? "" : fmt::format("-{}", i)));
    }
}

LineageEntry make_entry(engine::Engine& engine, const Names& names, const Image& image,
                        const std::optional<Image>& parent) {
    LineageEntry entry{.image = image, .names = {}};
    if (const auto found = names.find(image.id); found != names.end()) {
        entry.names = found->second;
    }
    Image own = image;
    std::erase_if(own.layers, [&](const auto& layer) {
        return parent && std::ranges::find(parent->layers, layer) != parent->layers.end();
    });
    entry.own_size = engine.size_of(own);
    return entry;
}

Descendant make_descendant(engine::Engine& engine, const Names& names, const Children& children,
                           const Image& image, const std::optional<Image>& parent) {
    Descendant made{.entry = make_entry(engine, names, image, parent), .children = {}};
    if (const auto found = children.find(image.id); found != children.end()) {
        for (const Image& child : found->second) {
            made.children.push_back(make_descendant(engine, names, children, child, image));
        }
    }
    return made;
}

std::optional<Image> parent_of(engine::Engine& engine, const Image& image) {
    return image.parent ? engine.find(*image.parent) : std::nullopt;
}

}  // namespace

Names image_names(engine::Engine& engine, const std::optional<BuildTree>& tree) {
    Names names;
    for (const Plan& plan : tree ? tree->plans() : std::vector<Plan>()) {
        finish_change(plan.build_dir);
        add_checkpoint(plan, k_setup_base, names);
        for (const Stage& stage : plan.stages) {
            add_checkpoint(plan, stage.checkpoint, names);
        }
    }
    for (const auto& [tag, image] : engine.tags()) {
        names[image].push_back("tag:" + tag);
    }
    return names;
}

Lineage lineage_of(engine::Engine& engine, const std::optional<BuildTree>& tree,
                   const Image& image) {
    const Names names = image_names(engine, tree);
    std::vector<Image> images = {image};
    while (auto parent = parent_of(engine, images.back())) {
        images.push_back(std::move(*parent));
    }
    std::ranges::reverse(images);
    Lineage lineage{.chain = {}, .lost = images.front().parent};
    std::optional<Image> parent;
    for (const Image& each : images) {
        lineage.chain.push_back(make_entry(engine, names, each, parent));
        parent = each;
    }
    return lineage;
}

Descendant descendants_of(engine::Engine& engine, const std::optional<BuildTree>& tree,
                          const Image& image) {
    Children children;
    std::vector<Image> images = engine.images();  // newest first
    for (Image& each : images | std::views::reverse) {
        if (each.parent) {
            children[*each.parent].push_back(std::move(each));
        }
    }
    return make_descendant(engine, image_names(engine, tree), children, image,
                           parent_of(engine, image));
}

}  // namespace mstage::pipeline
