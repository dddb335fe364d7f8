#pragma once

#include <filesystem>
#include <vector>

#include "sandbox/id_map.hpp"
#include "sandbox/root_plan.hpp"
#include "store/store.hpp"

namespace mstage::engine {

enum class Access { read_only, read_write };

/// Where an image's root is put together, in a work directory of the store:
///
///     root/            mount point
///     upper/ work/     the changes
///     tops/<name>/{upper,work}    the changes below a system directory of base `host`
///
/// The lowest layer is a ground layer: directories that every root has to have, so that none is
/// made in the image.
struct RootLayout {
    sandbox::RootPlan plan;
    std::filesystem::path upper;
    /// "usr" → its changes.
    std::vector<std::pair<std::string, std::filesystem::path>> top_uppers;

    /// Whether anything was written. Only looks at the top of each upper directory.
    bool changed() const;
    /// Moves what was written into one tree, `upper`, ready to be a layer.
    void collect_changes() const;
};

/// `layers` are those of the image and what lies on top of them, lowest first.
RootLayout lay_out_root(const store::Store& store, store::Ground ground,
                        const std::vector<store::LayerId>& layers, const sandbox::IdMap& ids,
                        Access access, const std::filesystem::path& work_dir);

}  // namespace mstage::engine
