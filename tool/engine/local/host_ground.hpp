#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sandbox/id_map.hpp"

namespace mstage::engine {

/// The machine's own system directories as the ground that images of base `host` stand on. Homes,
/// /srv, mounted media and the like are not part of it: they start empty.
struct HostGround {
    std::vector<std::string> directories;                    ///< "usr", "etc", …
    std::vector<std::pair<std::string, std::string>> links;  ///< "bin" → "usr/bin"
};
HostGround host_ground();

/// What says whether the machine's system is still the same: its release and its package databases.
std::vector<std::filesystem::path> host_witnesses();
/// SHA-256 over their contents.
std::string host_fingerprint();

/// Throws when `store` lies inside of one of the directories: an overlay's changes can't be below
/// what it lies over.
void check_store_outside(const std::filesystem::path& store,
                         const std::vector<std::string>& directories);

}  // namespace mstage::engine
