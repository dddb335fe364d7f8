#pragma once

#include <filesystem>

#include "base/fd.hpp"

namespace mstage::sandbox {

/// What a clone forbids that its original may allow.
enum class CloneRestriction {
    read_only,      ///< nothing on it can be changed, setuid programs are plain ones there; devices
                    ///< can be written to all the same
    no_privileges,  ///< setuid programs are plain ones there, and devices are of no use
};

/// A mount of its own of the file or directory `source`, mounted nowhere yet.
Fd clone_mount(const std::filesystem::path& source, CloneRestriction restriction);
/// Mounts it over what `target` is a descriptor of.
void attach_mount(const Fd& clone, int target);

}  // namespace mstage::sandbox
