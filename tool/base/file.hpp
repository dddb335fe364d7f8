#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/atomic_file.hpp"

namespace mstage {

std::string read_file(const std::filesystem::path& path);
/// Nothing when the file (or a directory on the way) does not exist.
std::optional<std::string> read_file_if_exists(const std::filesystem::path& path);

/// See AtomicFile. The file is always a new one, so its mtime is fresh.
void write_file_atomically(const std::filesystem::path& path, std::string_view content,
                           Durable durable = Durable::no);
/// As the first, but leaves the file (and its mtime) alone when it already holds `content`. True when
/// it was written.
bool write_file_if_changed(const std::filesystem::path& path, std::string_view content,
                           Durable durable = Durable::no);

/// mkdir -p with a mode for what is created.
void make_directories(const std::filesystem::path& path, mode_t mode = 0777);

/// Removes `path` and everything below without following symbolic links, also directories without
/// permission bits (overlayfs leaves its work directory with mode 000). What is not there is
/// success. Does not cross into other file systems.
void remove_tree(const std::filesystem::path& path);
/// The same for `name` in the directory behind the descriptor `parent`.
void remove_tree_at(int parent, const std::string& name);

/// Makes a new, empty directory with mode 0700 in `parent`: `<prefix><random>`.
std::filesystem::path make_temporary_directory(const std::filesystem::path& parent,
                                               std::string_view prefix);

}  // namespace mstage
