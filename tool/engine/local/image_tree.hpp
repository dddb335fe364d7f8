#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "engine/engine.hpp"

namespace mstage::engine {

/// Looking into a mounted image without running anything of it. Every name is resolved below the
/// root that `root_fd` is, as a process inside would see it: links, also absolute ones, stay
/// inside.
class ImageTree {
public:
    static std::string joined(const std::string& directory, const std::string& name);

    explicit ImageTree(int root_fd) : m_root(root_fd) {}

    std::vector<FileInfo> list(const std::string& path, bool recursive) const;
    void write_file_to(const std::string& path, int out) const;
    /// The absolute paths that match, sorted; a pattern without wildcards is looked up as it is.
    std::vector<std::string> glob(const std::string& pattern) const;

    /// The thing itself; a link at the end is not followed.
    Fd open(const std::string& path, int flags) const;
    /// An empty one, and errno, when that fails.
    Fd try_open(const std::string& path, int flags) const;
    struct stat status(const std::string& path) const;
    /// About an open thing of that path.
    static FileInfo describe(const std::string& path, int fd, const struct stat& info);
    std::vector<std::string> names(const std::string& directory) const;
    /// The path of what `path` leads to, without links: of a directory itself, else of the directory
    /// that it is in. Nothing when that is not there.
    std::optional<std::string> real_path(const std::string& path) const;

private:
    void list_directory(const std::string& path, bool recursive,
                        std::vector<FileInfo>& files) const;
    FileInfo describe(const std::string& path) const;

    int m_root;
};

struct CopyRules {
    NoMatch other_types = NoMatch::error;  ///< what is neither file, directory nor link
    CopyGuard guard{};                     ///< is asked about everything before it is there
    CopyGuard made_link{};                 ///< is told of every link that is there now
};

/// Copies `source` of the tree to `destination` on the machine, directories with all that is in
/// them. Returns the files and links written. Existing files are replaced as a whole, never written
/// through; existing directories are filled. What a killed one left, the next one there removes.
std::vector<std::filesystem::path> copy_from_tree(const ImageTree& tree, const std::string& source,
                                                  const std::filesystem::path& destination,
                                                  const CopyRules& rules);

}  // namespace mstage::engine
