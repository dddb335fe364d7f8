#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sandbox/user.hpp"

namespace mstage::sandbox {

/// A value that the command may read, and that is nowhere but in memory: a file below
/// k_secrets_directory that only the command's user can read.
struct Secret {
    std::string id;  ///< see check_secret_id()
    std::string value;
};

inline constexpr const char* k_secrets_directory = "/run/secrets";
/// Of one value.
inline constexpr size_t k_longest_secret = 64UL << 10;

/// An id has letters, digits, '.', '_' and '-', does not start with '.', and is at most 128 long.
/// Throws UsageError.
void check_secret_id(const std::string& id);

/// Mounts a file system in memory with one file for each, which nobody can change, in a root whose
/// /run is mounted. Without secrets there is none.
void mount_secrets(const std::filesystem::path& root, const std::vector<Secret>& secrets,
                   const User& user);

/// From now on no memory of this process and of those that it starts is dumped, and they cannot allow
/// it again.
void forbid_core_dumps();

}  // namespace mstage::sandbox
