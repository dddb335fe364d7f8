#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vector>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace mstage {

namespace fs = std::filesystem;

namespace {

/// A directory to look through, or nothing when `name` is not a directory (any more).
Fd open_directory_to_empty(int parent, const std::string& name, dev_t device) {
    Fd dir(::openat(parent, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!dir) {
        return dir;
    }
    struct stat info {};
    if (::fstat(dir.get(), &info) != 0 || info.st_dev != device) {
        errno = EXDEV;
        return Fd();
    }
    if ((info.st_mode & S_IRWXU) != S_IRWXU) {
        // By path in the parent: fchmod() refuses O_PATH descriptors.
        ::fchmodat(parent, name.c_str(), S_IRWXU, 0);
    }
    return Fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/// Removes one tree with one directory open at a time: a tree can be deeper than descriptors, stack
/// or PATH_MAX allow. The way back up is "..", which is believed only when it is the directory that
/// we came from.
class TreeRemover {
public:
    TreeRemover(int parent, dev_t device) : m_parent(parent), m_device(device) {}

    void remove(const std::string& name) {
        remove_or_enter(m_parent, name);
        while (!m_levels.empty()) {
            Level& level = m_levels.back();
            if (level.entries.empty()) {
                leave();
                continue;
            }
            const std::string entry = std::move(level.entries.back());
            level.entries.pop_back();
            remove_or_enter(m_at.get(), entry);
        }
    }

private:
    struct Level {
        std::string name;
        ino_t inode;
        std::vector<std::string> entries;
    };

    void remove_or_enter(int directory, const std::string& name) {
        if (::unlinkat(directory, name.c_str(), 0) == 0 || errno == ENOENT) {
            return;
        }
        if (errno != EISDIR && errno != EPERM && errno != EACCES) {
            throw SysError(errno, "removing '{}'", name);
        }
        const int unlink_error = errno;
        Fd entered = open_directory_to_empty(directory, name, m_device);
        if (!entered) {
            throw SysError(unlink_error == EISDIR ? errno : unlink_error, "removing '{}'", name);
        }
        m_levels.push_back(
            {name, inode_of(entered.get()),
             names_in_directory(open_at(entered.get(), ".", O_RDONLY | O_DIRECTORY))});
        m_at = std::move(entered);
    }

    void leave() {
        const std::string name = std::move(m_levels.back().name);
        m_levels.pop_back();
        Fd up;
        if (!m_levels.empty()) {
            up = open_at(m_at.get(), "..", O_RDONLY | O_DIRECTORY);
            if (inode_of(up.get()) != m_levels.back().inode) {
                throw Error("directory '{}' was moved while it was being removed", name);
            }
        }
        if (::unlinkat(up ? up.get() : m_parent, name.c_str(), AT_REMOVEDIR) != 0 &&
            errno != ENOENT) {
            throw SysError(errno, "removing directory '{}'", name);
        }
        m_at = std::move(up);
    }

    /// 0 for a directory of another file system, whose inode numbers say nothing here.
    ino_t inode_of(int directory) const {
        struct stat info {};
        return ::fstat(directory, &info) == 0 && info.st_dev == m_device ? info.st_ino : 0;
    }

    int m_parent;
    dev_t m_device;
    Fd m_at;
    std::vector<Level> m_levels;
};

}  // namespace

std::string read_file(const fs::path& path) {
    const Fd fd = open_fd(path, O_RDONLY);
    return with_context(fmt::format("'{}'", path.native()), [&] { return read_all(fd.get()); });
}

std::optional<std::string> read_file_if_exists(const fs::path& path) {
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        if (errno == ENOENT || errno == ENOTDIR) {
            return std::nullopt;
        }
        throw SysError(errno, "opening '{}'", path.native());
    }
    return with_context(fmt::format("'{}'", path.native()), [&] { return read_all(fd.get()); });
}

void write_file_atomically(const fs::path& path, std::string_view content, Durable durable) {
    AtomicFile file(path);
    file.write(content);
    file.commit(durable);
}

bool write_file_if_changed(const fs::path& path, std::string_view content, Durable durable) {
    if (read_file_if_exists(path) == content) {
        return false;
    }
    write_file_atomically(path, content, durable);
    return true;
}

void make_directories(const fs::path& path, mode_t mode) {
    if (path.empty() || fs::is_directory(path)) {
        return;
    }
    make_directories(path.parent_path(), mode);
    if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
        throw SysError(errno, "making directory '{}'", path.native());
    }
}

void remove_tree(const fs::path& path) {
    with_context(fmt::format("removing '{}'", path.native()),
                 [&] { remove_tree_at(AT_FDCWD, path.native()); });
}

void remove_tree_at(int parent, const std::string& name) {
    struct stat info {};
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) {
            return;
        }
        throw SysError(errno, "looking at '{}'", name);
    }
    TreeRemover(parent, info.st_dev).remove(name);
}

fs::path make_temporary_directory(const fs::path& parent, std::string_view prefix) {
    std::string path = (parent / fmt::format("{}XXXXXX", prefix)).native();
    if (::mkdtemp(path.data()) == nullptr) {
        throw SysError(errno, "making a temporary directory in '{}'", parent.native());
    }
    ::chmod(path.c_str(), S_IRWXU);  // a umask can forbid the owner, too
    return path;
}

}  // namespace mstage
