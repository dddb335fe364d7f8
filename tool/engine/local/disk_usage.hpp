#pragma once

#include <cstdint>
#include <filesystem>

namespace mstage::engine {

/// Bytes on disk of a tree. What cannot be read isn't counted: a size is for people.
std::uint64_t disk_usage(const std::filesystem::path& directory);

}  // namespace mstage::engine
