#pragma once

#include <string_view>

#include "base/fd.hpp"

namespace mstage::archive {

/// What symbolic links on the way to a name mean.
enum class Links {
    as_seen_from_root,  ///< as for a process that has done chroot(root)
    refused,            ///< ELOOP
};

/// What file systems that are mounted below the root mean.
enum class Mounts {
    refused,  ///< EXDEV
    crossed,  ///< a part of the tree: it was put together so
};

/// Opens `path` (empty: the root itself) below `root`. Neither "..", symbolic links, /proc's magic
/// links nor, unless they are crossed, mount points lead out. Without success the Fd is empty and
/// errno says why. Paths
/// longer than PATH_MAX work as long as no symbolic link is on their way.
Fd open_confined(int root, std::string_view path, int flags, Links links,
                 Mounts mounts = Mounts::refused);

}  // namespace mstage::archive
