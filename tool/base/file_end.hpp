#pragma once

#include <filesystem>
#include <string>

namespace mstage {

/// The last `size` bytes of a file, or all of it: for logs, which can be gigabytes.
std::string read_end_of_file(const std::filesystem::path& path, std::size_t size);

}  // namespace mstage
