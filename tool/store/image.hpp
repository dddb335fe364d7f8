#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/text.hpp"
#include "store/ids.hpp"

namespace mstage::store {

/// What lies under an image's layers: nothing, or the machine's own system directories (base
/// `host`).
enum class Ground { empty, host };

/// Good images may be parents of stages; a failed state is kept for a look and never becomes one.
enum class ImageState { good, failed };

/// What a command started in the image finds when it says nothing else.
struct ImageConfig {
    std::map<std::string, std::string> environment;
    std::string workdir = "/";
    /// As container images have it: "user", "uid", "user:group" or "uid:gid"; empty is root.
    std::string user{};
    /// What the config file of a container image says beyond the above (labels, entry point,
    /// history, …), for its export; null for other images.
    Json oci{};
};

/// An image's manifest, `images/<uuid>.json`: a JSON object with every field of this struct always
/// present, null for "nothing". Readers accept exactly `version` 1 and treat anything else as an
/// error that says so; fields are only ever added. The layers are named lowest first.
///
/// `boot` is the boot id of the kernel that wrote the layers and `synced` whether they are known to
/// be on disk. An image that is neither synced nor of this boot may have been torn by a power cut
/// and counts as absent.
struct Image {
    ImageId id;
    Ground ground = Ground::empty;
    std::vector<LayerId> layers{};
    ImageConfig config{};
    ImageState state = ImageState::good;

    std::optional<ImageId> parent{};
    std::string origin{};  ///< "import debian:bookworm", "stage app/build", "run": for people
    std::string command{};
    std::optional<RunId> run{};
    std::optional<std::string> key{};
    /// What the key was made from, so that two keys can be compared; null when there is no key.
    Json key_parts{};

    TimePoint created{};
    std::string boot{};
    bool synced = false;
};

Json to_json(const Image& image);
Image image_from_json(const Json& json);

}  // namespace mstage::store
