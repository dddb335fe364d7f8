#pragma once

#include <filesystem>
#include <optional>

#include "base/fd.hpp"

namespace mstage {

class EndSignals;

enum class LockMode { shared, exclusive };

/// A flock(2) on a file that is made when missing. The kernel frees it with its owner, so a held
/// lock means a live owner; ages and process ids are never asked. Children of fork() share the lock
/// unless they close it; it is close-on-exec.
class FileLock {
public:
    /// Waits for the lock.
    static FileLock acquire(const std::filesystem::path& path, LockMode mode);
    /// The same, but a signal ends the wait (see EndSignals).
    static FileLock acquire(const std::filesystem::path& path, LockMode mode,
                            const EndSignals& signals);
    /// Nothing when somebody else holds it.
    static std::optional<FileLock> try_acquire(const std::filesystem::path& path, LockMode mode);

    int fd() const noexcept { return m_fd.get(); }
    /// Removes the lock's file, then lets go: for locks that belong to one passing thing. Those who
    /// waited for it notice that the file is gone and start over with a new one.
    void remove_and_release();

private:
    FileLock(Fd fd, std::filesystem::path path) : m_fd(std::move(fd)), m_path(std::move(path)) {}
    static std::optional<FileLock> lock(const std::filesystem::path& path, int operation);

    Fd m_fd;
    std::filesystem::path m_path;
};

}  // namespace mstage
