#pragma once

#include <optional>

#include "archive/file_range.hpp"
#include "archive/import.hpp"
#include "archive/oci/lower_tree.hpp"
#include "archive/oci/oci_types.hpp"

namespace mstage::archive {

/// A layer of a container image as it lies somewhere: a tar, plain or compressed with gzip or zstd.
struct LayerBlob {
    FileRange content;
    /// What `content` has to be.
    std::optional<Descriptor> expected;
    /// Of the tar.
    Digest diff_id;
};

/// Throws Error when the blob is not of the size that it has to be.
void check_size(const FileRange& content, const Descriptor& expected);

/// Unpacks the layer into the empty directory `dir_fd`, as an overlayfs upper directory for the
/// layers of `lower` (layer_sink.hpp), in one pass: what is hashed is what is unpacked. Throws
/// Error when a digest or the size differs from what is expected, naming both; a damaged blob is
/// reported as that and not by what is wrong inside. For the rest see unpack_tar().
///
/// Afterwards `lower` knows whether the result is good on top of these layers only. If it was not
/// consulted, it is good wherever the root below has the owner, mode and extended attributes that this one has: a tar
/// that does not name the root leaves it as it is below.
Imported unpack_layer(const LayerBlob& blob, int dir_fd, LowerTree& lower, const Options& options);

}  // namespace mstage::archive
