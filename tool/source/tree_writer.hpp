#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "source/entry.hpp"

namespace mstage::source {

/// Walks to directories below a root one name at a time, so that no symbolic link leads elsewhere,
/// and keeps the last one open: entries come sorted, those of one directory mostly in a row.
class DirectoryCursor {
public:
    explicit DirectoryCursor(const std::filesystem::path& root);
    /// The directory at `path` ("" is the root). Valid until the next call. -1 with errno when it
    /// can't be opened.
    int open(std::string_view path);

private:
    Fd m_root;
    Fd m_current;
    std::string m_path;
};

/// Makes a tree of copies of source files. What is written is what is hashed: bytes, link targets,
/// types and modes that are not those of the Entry, and what vanished, end in SourceChanged. Modes
/// (exactly) and times (to the nanosecond) of files, links and directories are kept; the owner is
/// who runs this.
///
/// Entries are added in the order of their paths, a directory before what is in it; then finish().
class TreeWriter {
public:
    /// `target` is an empty directory.
    TreeWriter(const std::filesystem::path& source, const std::filesystem::path& target);

    void copy(const Entry& entry);
    /// Makes the entry's name another one for the file of the same path below `other`. False when
    /// that can't be (there is no such file, it has too many names): then the entry is still to be
    /// copied.
    bool link(const Entry& entry, DirectoryCursor& other);
    /// Gives directories their modes and times, which adding to them would have changed or been
    /// refused by.
    void finish();

private:
    struct Place {
        int source;
        int target;
        std::string name;
    };
    struct Directory {
        const Entry* entry;
        timespec mtime;
    };

    Place place_of(const Entry& entry);
    int target_directory(std::string_view path);
    void copy_file(const Entry& entry, const Place& place);
    void copy_symlink(const Entry& entry, const Place& place);
    void make_directory(const Entry& entry, const Place& place);
    std::string copy_content(int from, int to);
    std::string clone_content(int from, int to);

    std::filesystem::path m_source_path;
    DirectoryCursor m_source;
    DirectoryCursor m_target;
    timespec m_root_mtime{};
    std::vector<Directory> m_directories;
    bool m_can_clone = true;  ///< until the file system says otherwise
};

}  // namespace mstage::source
