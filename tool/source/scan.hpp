#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "source/entry.hpp"

namespace mstage::source {

/// Whether a scan leaves its stat cache to the next one.
enum class CacheAfter { written, untouched };

struct ScanOptions {
    std::filesystem::path root;  ///< may be a symbolic link to a directory
    /// Patterns (ignore.hpp). Besides them `.git` is left out at any depth, and so is every build tree
    /// of ours: a directory below the root with a `.mstage/.place` and no CMakeLists.txt in it (of the
    /// root, and of one that has both, only that `.mstage`), with directories that hold nothing but
    /// build trees. Nothing else is.
    std::vector<std::string> exclude;
    /// Absolute paths (build trees, single files) that are never in the tree. Those outside of the root, or that the
    /// root is in, don't matter; the root itself is an Error.
    std::vector<std::filesystem::path> skip;
    std::filesystem::path cache_file;
    /// All else that is derived from the tree depends on (the plan's text); see Tree::unchanged.
    std::string key;
    CacheAfter cache_after = CacheAfter::written;
};

struct Tree {
    std::filesystem::path root;  ///< as in the options
    std::vector<Entry>
        entries;  ///< sorted by the bytes of the path; a directory comes before what is in it
    std::vector<std::string>
        warnings;  ///< what was left out because it can't be a stage's input (sockets, ...)
    /// Paths that are no entries but decide which there are: the files that make directories build
    /// trees, and directories that hold nothing but build trees.
    std::vector<std::string> watched_besides{};
    /// The entries are those of the last scan that was settled with the same `key`: what was
    /// derived then still holds.
    bool unchanged = false;
    std::uint64_t cache_id = 0;  ///< for settle()

    /// The absolute path of the root and of each file and directory below, and what else is
    /// watched, for a depfile. A new, removed or retargeted symbolic link shows in its directory's time; links themselves are not
    /// in the list, because a build tool would follow them, and take a dangling one for a missing
    /// file.
    std::vector<std::string> watched() const;
};

/// Walks the tree once, never follows a symbolic link, and hashes the content of those files whose
/// status differs from the stat cache's. Then brings the cache up to date if that changes anything.
/// A missing or broken cache is only slow. What cannot be read is an Error that says so; what
/// vanishes meanwhile is not in the tree.
Tree scan(const ScanOptions& options);

/// Says that all that is derived from the tree (digest files, snapshots) is in its place, so that
/// the next scan may report `unchanged`. Who dies between scan() and settle() finds a changed tree
/// next time.
void settle(const ScanOptions& options, const Tree& tree);

}  // namespace mstage::source
