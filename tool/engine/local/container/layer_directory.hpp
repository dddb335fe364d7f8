#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "archive/import.hpp"
#include "sandbox/id_map.hpp"

namespace mstage::engine {

/// An empty directory that is to become a layer, with the mode that the root of an image has when
/// nothing else is said.
std::filesystem::path make_layer_directory(const std::filesystem::path& path);

archive::Options archive_options(const sandbox::IdMap& ids);

/// Warnings about what an import left out, but for what every root filesystem has and no sandbox
/// uses: devices in /dev.
std::vector<std::string> left_out(const archive::Imported& imported);

}  // namespace mstage::engine
