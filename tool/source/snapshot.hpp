#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/inputs.hpp"
#include "store/store.hpp"

namespace mstage::source {

/// A stage's inputs as layers of the store, to be mounted on top of a parent image. Together they
/// hold the directory `<workdir>` (mode 0755, always) and the entries in it.
///
/// The record `snapshots/<digest>` is JSON: `version` (2; another number counts as no record),
/// `workdir`, `boot`, the boot id of the kernel that wrote the layers, and `layers`, lowest first:
/// one with a whole tree, then some that only hold what changed since. Of each of these the store
/// knows which one it continues (Store::continued()).
struct Snapshot {
    std::vector<store::LayerId> layers;
};

/// Nothing when there is none, when one of its layers is gone, or when it was taken before the
/// machine's last start: snapshots are not brought to disk, so a power cut may have torn it.
std::optional<Snapshot> find_snapshot(const store::Store& store, const std::string& digest);

/// Makes sure that there is a snapshot of `inputs`. Costs as much as what changed since `previous`,
/// the stage's last inputs, if those still have a snapshot; entries may also vanish, at the price
/// of a new tree of hard links.
///
/// Throws SourceChanged when the source is not (any more) what `inputs` say. Several processes may
/// take the same snapshot at once; what one of them recorded all return or replace by an equal one.
Snapshot take_snapshot(const store::Store& store, const std::filesystem::path& source_root,
                       std::string_view workdir, const Inputs& inputs,
                       const std::optional<Inputs>& previous);

/// An image's layers, lowest first, with those of a snapshot together: what a stage saw of the
/// source is what they show as one, and the lower ones may hold what files were before.
std::vector<std::vector<store::LayerId>> with_snapshots_united(
    const store::Store& store, const std::vector<store::LayerId>& layers);

}  // namespace mstage::source
