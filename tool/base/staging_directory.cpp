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

bool is_owned_by_us(int fd, mode_t type) {
    struct stat info {};
    return ::fstat(fd, &info) == 0 && info.st_uid == ::geteuid() && (info.st_mode & S_IFMT) == type;
}

bool is_marked(int directory) {
    const Fd marker(::openat(directory, k_marker, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
    return marker && is_owned_by_us(marker.get(), S_IFREG) &&
           read_all(marker.get()) == marker_text(directory);
}

void remove_if_dead(const fs::path& path) {
    const Fd dead(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!dead || !is_owned_by_us(dead.get(), S_IFDIR) ||
        ::flock(dead.get(), LOCK_EX | LOCK_NB) != 0) {
        return;
    }
    if (is_marked(dead.get())) {
        remove_tree(path);
    } else {
        ::rmdir(path.c_str());  // fails unless it is empty
    }
}

void remove_dead(const fs::path& parent) {
    try {
        for (const std::string& name :
             names_in_directory(open_fd(parent, O_RDONLY | O_DIRECTORY))) {
            if (is_staging_name(name)) {
                remove_if_dead(parent / name);
            }
        }
    } catch (const Error&) {
        // A leftover costs space; it must not cost what is to be done now.
    }
}

}  // namespace

bool StagingDirectory::lock_and_mark() {
    m_lock = Fd(::open(m_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!m_lock && errno == ENOENT) {
        return false;
    }
    // Before there is a marker.
    if (!m_lock || ::flock(m_lock.get(), LOCK_EX) != 0) {
        throw SysError(errno, "locking '{}'", m_path.native());
    }
    const Fd marker(::openat(m_lock.get(), k_marker,
                             O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!marker && errno == ENOENT) {
        return false;
    }
    with_context(fmt::format("'{}'", m_path.native()), [&] {
        if (!marker) {
            throw SysError(errno, "making '{}'", k_marker);
        }
        write_all(marker.get(), marker_text(m_lock.get()));
    });
    return true;
}

StagingDirectory::StagingDirectory(const fs::path& parent) {
    remove_dead(parent);
    try {
        do {
            m_path = make_temporary_directory(parent, k_prefix);
        } while (!lock_and_mark());
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
