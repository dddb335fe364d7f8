#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "store/image.hpp"

namespace mstage::engine {

/// What goes into the config file of a container image.
struct OciConfigInput {
    /// The images that this one was made from, the first one first, and itself at the end. The
    /// first ones may be missing: garbage collection takes them.
    std::vector<store::Image> lineage;
    /// What the container image has as its layers; of several that are one there the topmost.
    std::vector<store::LayerId> layers{};
    /// Of these, "sha256:…".
    std::vector<std::string> diff_ids{};
    std::optional<std::time_t> epoch{};  ///< instead of the images' times
};

/// The time of an image as its container image says it: the epoch; what an imported image had; when
/// the image was made.
std::string oci_created(const OciConfigInput& input);

/// The config file: what an imported image's said, with the environment, working directory and user
/// of this image, its layers, and a history. The history has one entry per layer (a stage's command
/// for what it wrote) behind the original's own.
Json oci_config(const OciConfigInput& input);

}  // namespace mstage::engine
