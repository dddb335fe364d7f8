#pragma once

#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "archive/oci/oci_types.hpp"
#include "base/end_signals.hpp"
#include "engine/engine.hpp"
#include "sandbox/id_map.hpp"

namespace mstage::engine {

struct BlobOptions {
    const sandbox::IdMap& ids;
    Compression compression = Compression::gzip;
    std::optional<int> level{};
    std::optional<std::time_t> latest_mtime{};
    std::filesystem::path mount_point;  ///< an empty directory, to see several as one at
};

/// Directories that together are one layer, the lowest first.
using LayerDirectories = std::vector<std::filesystem::path>;

struct PackedLayer {
    archive::Descriptor blob;
    archive::Digest diff_id;
    std::vector<std::string> skipped;  ///< what could not go into it, for people
};

/// Throws UsageError for a level that the compression does not have.
void check_level(Compression compression, const std::optional<int>& level);

/// Packs the layers, the lowest first, into blobs of the OCI image layout, as many at once as there
/// are processors. Each is read once: a child in the user namespace writes its tar into a pipe and hashes
/// it, a program compresses it, and what that gives is hashed and written here. What is of several
/// directories is an overlay there. gzip's work is done by pigz where there is one: it uses all
/// processors (and less of their time).
std::vector<PackedLayer> write_layer_blobs(const std::vector<LayerDirectories>& layers,
                                           const std::filesystem::path& layout,
                                           const BlobOptions& options, const EndSignals& signals);

}  // namespace mstage::engine
