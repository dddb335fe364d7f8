#pragma once

#include <filesystem>

#include "base/fd.hpp"

namespace mstage {

/// A directory for things on their way to a place in `parent`, in the same file system, so that they
/// can be renamed there: `.mstage-<random>`, mode 0700. It goes with the object, and what a killed
/// one left, with the next that is made in the same place: it is locked (flock) while its owner
/// lives.
class StagingDirectory {
public:
    explicit StagingDirectory(const std::filesystem::path& parent);
    StagingDirectory(const StagingDirectory&) = delete;
    StagingDirectory& operator=(const StagingDirectory&) = delete;
    ~StagingDirectory();

    const std::filesystem::path& path() const noexcept { return m_path; }

private:
    std::filesystem::path m_path;
    Fd m_lock;
};

}  // namespace mstage
