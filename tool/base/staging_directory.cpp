#include "base/staging_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/file.hpp"

namespace mstage {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view k_prefix = ".mstage-";
constexpr size_t k_random_length = 6;
// remove_tree() takes it last: a removal that is cut off leaves something that is known to be ours.
constexpr const char* k_marker = ".mstage-staging";

std::string marker_text(int directory) {
    struct stat info {};
    if (::fstat(directory, &info) != 0) {
        throw SysError(errno, "looking at a temporary directory");
    }
    return fmt::format("made by mstage, which removes it when nobody uses it: inode {}\n",
                       info.st_ino);
}

bool is_ours(int directory) {
    struct stat info {};
    if (::fstat(directory, &info) != 0 || info.st_uid != ::geteuid()) {
        return false;
    }
    const Fd marker(::openat(directory, k_marker, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
    return marker && ::fstat(marker.get(), &info) == 0 && S_ISREG(info.st_mode) &&
           info.st_uid == ::geteuid() && read_all(marker.get()) == marker_text(directory);
}

void remove_if_dead(const fs::path& path) {
    const Fd dead(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (dead && is_ours(dead.get()) && ::flock(dead.get(), LOCK_EX | LOCK_NB) == 0) {
        remove_tree(path);
    }
}

void remove_dead(const fs::path& parent) {
    for (const std::string& name : names_in_directory(open_fd(parent, O_RDONLY | O_DIRECTORY))) {
        if (!is_staging_name(name)) {
            continue;
        }
        try {
            remove_if_dead(parent / name);
        } catch (const Error&) {
            // A leftover costs space; it must not cost what is to be done now.
        }
    }
}

}  // namespace

StagingDirectory::StagingDirectory(const fs::path& parent) {
    remove_dead(parent);
    m_path = make_temporary_directory(parent, k_prefix);
    try {
        m_lock = open_fd(m_path, O_RDONLY | O_DIRECTORY);
        // Before there is a marker, without which nobody takes it for dead.
        if (::flock(m_lock.get(), LOCK_EX) != 0) {
            throw SysError(errno, "locking '{}'", m_path.native());
        }
        const Fd marker =
            open_at(m_lock.get(), k_marker, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
        with_context(fmt::format("'{}'", m_path.native()),
                     [&] { write_all(marker.get(), marker_text(m_lock.get())); });
    } catch (const Error&) {
        ::unlink((m_path / k_marker).c_str());
        ::rmdir(m_path.c_str());
        throw;
    }
}

StagingDirectory::~StagingDirectory() {
    try {
        remove_tree(m_path);
    } catch (const Error&) {
        // What stays is garbage without a lock, which the next one takes.
    }
}

bool is_staging_name(std::string_view name) {
    return name.size() == k_prefix.size() + k_random_length && name.starts_with(k_prefix);
}

}  // namespace mstage
