#include "base/lock.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/end_signals.hpp"
#include "base/error.hpp"

namespace mstage {

namespace {

int operation_for(LockMode mode) {
    return mode == LockMode::shared ? LOCK_SH : LOCK_EX;
}

/// Whether `path` still names the file behind `fd`: its last owner may have removed it while we
/// waited.
bool still_there(const std::filesystem::path& path, int fd) {
    struct stat by_name {};
    struct stat by_fd {};
    return ::stat(path.c_str(), &by_name) == 0 && ::fstat(fd, &by_fd) == 0 &&
           by_name.st_ino == by_fd.st_ino && by_name.st_dev == by_fd.st_dev;
}

}  // namespace

FileLock FileLock::acquire(const std::filesystem::path& path, LockMode mode) {
    return *lock(path, operation_for(mode));
}

FileLock FileLock::acquire(const std::filesystem::path& path, LockMode mode,
                           const EndSignals& signals) {
    // There is no waiting for a lock and a descriptor at once.
    constexpr int k_milliseconds = 20;
    while (true) {
        if (auto taken = try_acquire(path, mode)) {
            return std::move(*taken);
        }
        pollfd fds[] = {{signals.fd(), POLLIN, 0}};
        ::poll(fds, 1, k_milliseconds);
        signals.check();
    }
}

std::optional<FileLock> FileLock::try_acquire(const std::filesystem::path& path, LockMode mode) {
    return lock(path, operation_for(mode) | LOCK_NB);
}

std::optional<FileLock> FileLock::lock(const std::filesystem::path& path, int operation) {
    while (true) {
        Fd fd = open_fd(path, O_RDWR | O_CREAT, 0600);
        int result = 0;
        do {
            result = ::flock(fd.get(), operation);
        } while (result != 0 && errno == EINTR);
        if (result != 0) {
            if (errno == EWOULDBLOCK) {
                return std::nullopt;
            }
            throw SysError(errno, "locking '{}'", path.native());
        }
        if (still_there(path, fd.get())) {
            return FileLock(std::move(fd), path);
        }
    }
}

void FileLock::remove_and_release() {
    ::unlink(m_path.c_str());
    m_fd.close();
}

}  // namespace mstage
