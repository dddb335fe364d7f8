#pragma once

#include <filesystem>
#include <string_view>

#include "base/fd.hpp"

namespace mstage {

/// A directory for things on their way to a place in `parent`, in the same file system, so that they
/// can be renamed there: `.mstage-<random>`, mode 0700. It goes with the object, and what a killed
/// one left, with the next that is made in the same place: it is locked (flock) while its owner
/// lives.
///
/// `parent` may be a directory in which people choose names, so a name says nothing: what is removed
/// belongs to our user and holds the file `.mstage-staging`, which was made with it. That is one
/// line, "made by mstage, which removes it when nobody uses it: inode <number>", with the inode
/// number of the directory, for a copy of it to be somebody's own. Empty it is removed as well, for
/// who makes one can die before that file is there.
class StagingDirectory {
public:
    explicit StagingDirectory(const std::filesystem::path& parent);
    StagingDirectory(const StagingDirectory&) = delete;
    StagingDirectory& operator=(const StagingDirectory&) = delete;
    ~StagingDirectory();

    const std::filesystem::path& path() const noexcept { return m_path; }

private:
    /// False when somebody took the new directory for one that is dead, and it is gone.
    bool lock_and_mark();

    std::filesystem::path m_path;
    Fd m_lock;
};

/// Whether one could be called that.
bool is_staging_name(std::string_view name);

}  // namespace mstage
