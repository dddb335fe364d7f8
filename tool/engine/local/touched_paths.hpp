#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "store/ids.hpp"

namespace mstage::engine {

/// Where two trees may differ, as a tree of names. Everything that is not in it is the same in both.
struct TouchedPaths {
    std::map<std::string, std::unique_ptr<TouchedPaths>> children{};
    bool whole = false;  ///< so may all that is below, named here or not

    TouchedPaths& child(const std::string& name);
};

/// Adds what the layer in the directory `layer` has at `path` and below: all that it can make look
/// otherwise in an image. Of whiteouts, opaque directories, and files where others may have a
/// directory, that is all that is below.
void add_touched(int layer, const std::string& path, TouchedPaths& touched);

/// Layers that two images have in common in the same order: what is in none of the others is the
/// same in both. Of several such sets, one of the largest.
struct SharedLayers {
    std::vector<store::LayerId> shared;
    std::vector<store::LayerId> others;  ///< of both images, each once
};
SharedLayers shared_layers(const std::vector<store::LayerId>& before,
                           const std::vector<store::LayerId>& after);

}  // namespace mstage::engine
