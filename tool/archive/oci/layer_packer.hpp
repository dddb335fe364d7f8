#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "archive/tar_writer.hpp"
#include "base/fd.hpp"

namespace mstage::archive {

struct PackOptions {
    /// With false everything belongs to 0:0: for a user namespace that maps no other ids.
    bool keep_owners = true;
    /// Later times become this one.
    std::optional<time_t> latest_mtime{};
};

/// Writes the layer (an overlayfs upper directory, which nobody changes meanwhile) as the tar of a
/// container image's layer. To be called where the layer's owners exist.
///  * Directories come before what is in them, entries by name, so that the same tree becomes the
///    same bytes; in a directory what it hides comes first.
///  * Whiteouts become files `.wh.NAME`, opaque directories hold a file `.wh..wh..opq`; but only where
///    one of the layers in `lower` has something to hide. (A stage can remove what no layer has and
///    only its sandbox put there.)
///  * Every directory is named, with its attributes, the root as "./".
///  * Attributes are those that images keep (is_kept_attribute()); each name of a file has them.
/// A file whose own name starts with ".wh." is an Error: a container image can't hold it. Returns
/// what else was left out, for people: "socket 'root/.gnupg/S.gpg-agent'".
std::vector<std::string> pack_layer(int layer_fd, const std::vector<Fd>& lower,
                                    const PackOptions& options, const TarWriter::Output& output);

}  // namespace mstage::archive
