#include "base/directory_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include "base/error.hpp"

namespace mstage {

DirectoryWatch::DirectoryWatch() : m_fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (!m_fd) {
        throw SysError(errno, "watching directories");
    }
}

void DirectoryWatch::add(const std::filesystem::path& directory) {
    constexpr std::uint32_t k_changes =
        IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | IN_ONLYDIR;
    if (::inotify_add_watch(m_fd.get(), directory.c_str(), k_changes) < 0) {
        throw SysError(errno, "watching directory '{}'", directory.native());
    }
}

bool DirectoryWatch::take() {
    bool changed = false;
    char events[4096];
    while (::read(m_fd.get(), events, sizeof events) > 0) {
        changed = true;
    }
    return changed;
}

}  // namespace mstage
