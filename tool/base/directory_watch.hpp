#pragma once

#include <filesystem>

#include "base/fd.hpp"

namespace mstage {

/// Tells when files in some directories change (inotify), so that nobody has to look again and again.
class DirectoryWatch {
public:
    DirectoryWatch();

    /// Not of what is below its subdirectories.
    void add(const std::filesystem::path& directory);
    /// Readable when something has changed.
    int fd() const noexcept { return m_fd.get(); }
    /// Forgets what has changed so far. True when something had.
    bool take();

private:
    Fd m_fd;
};

}  // namespace mstage
