#include "source/tree_writer.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "base/hash.hpp"

namespace mstage::source {

namespace fs = std::filesystem;

namespace {

/// Whether errno says that something else is at a path than was there before.
bool means_replaced(int number) {
    return number == ENOENT || number == ENOTDIR || number == ELOOP || number == EINVAL ||
           number == ENXIO;
}

/// The error for a failed call on the source.
[[noreturn]] void throw_source_error(int number, const fs::path& path) {
    if (means_replaced(number)) {
        throw SourceChanged("'{}' was removed or replaced since it was scanned", path.native());
    }
    throw SysError(number, "reading '{}'", path.native());
}

void set_times(int dir, const std::string& name, const timespec& mtime) {
    const timespec times[2] = {{0, UTIME_OMIT}, mtime};
    if (::utimensat(dir, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0) {
        throw SysError(errno, "setting the times of '{}'", name);
    }
}

}  // namespace

DirectoryCursor::DirectoryCursor(const fs::path& root)
    : m_root(open_fd(root, O_RDONLY | O_DIRECTORY)) {}

int DirectoryCursor::open(std::string_view path) {
    if (path.empty()) {
        return m_root.get();
    }
    if (m_current && path == m_path) {
        return m_current.get();
    }
    m_current.close();
    Fd walked;
    for (size_t start = 0; start < path.size();) {
        const size_t end = std::min(path.find('/', start), path.size());
        const std::string name(path.substr(start, end - start));
        const int from = walked ? walked.get() : m_root.get();
        Fd next(::openat(from, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!next) {
            return -1;
        }
        walked = std::move(next);
        start = end + 1;
    }
    m_current = std::move(walked);
    m_path = path;
    return m_current.get();
}

TreeWriter::TreeWriter(const fs::path& source, const fs::path& target)
    : m_source_path(source), m_source(source), m_target(target) {
    struct stat info {};
    if (::fstat(m_source.open(""), &info) != 0) {
        throw SysError(errno, "reading '{}'", source.native());
    }
    m_root_mtime = info.st_mtim;
}

int TreeWriter::target_directory(std::string_view path) {
    const int directory = m_target.open(path);
    if (directory < 0) {
        throw SysError(errno, "opening '{}' in the snapshot", path);
    }
    return directory;
}

TreeWriter::Place TreeWriter::place_of(const Entry& entry) {
    const std::string_view parent = parent_of(entry.path);
    const int source = m_source.open(parent);
    if (source < 0) {
        throw_source_error(errno, m_source_path / entry.path);
    }
    return {source, target_directory(parent), std::string(name_of(entry.path))};
}

void TreeWriter::copy(const Entry& entry) {
    const Place place = place_of(entry);
    switch (entry.type) {
        case EntryType::file:
            return copy_file(entry, place);
        case EntryType::symlink:
            return copy_symlink(entry, place);
        case EntryType::directory:
            return make_directory(entry, place);
    }
}

void TreeWriter::copy_file(const Entry& entry, const Place& place) {
    const fs::path path = m_source_path / entry.path;
    // Never wait for a FIFO that took the file's place.
    const Fd from(
        ::openat(place.source, place.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat info {};
    if (!from || ::fstat(from.get(), &info) != 0) {
        throw_source_error(errno, path);
    }
    if (!S_ISREG(info.st_mode) || (info.st_mode & 07777) != entry.mode) {
        throw SourceChanged("'{}' has another type or mode than when it was scanned",
                            path.native());
    }
    const Fd to = open_at(place.target, place.name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    const std::string hash = with_context(fmt::format("copying '{}'", path.native()),
                                          [&] { return clone_content(from.get(), to.get()); });
    if (hash != entry.hash) {
        throw SourceChanged("'{}' changed since it was scanned", path.native());
    }
    // The mode last: writing takes setuid bits away.
    const timespec times[2] = {{0, UTIME_OMIT}, info.st_mtim};
    if (::futimens(to.get(), times) != 0 || ::fchmod(to.get(), entry.mode) != 0) {
        throw SysError(errno, "setting times and mode of '{}'", entry.path);
    }
}

/// Shares the blocks where the file system can; the hash is that of the clone, which nobody else
/// writes to.
std::string TreeWriter::clone_content(int from, int to) {
    if (m_can_clone && ::ioctl(to, FICLONE, from) == 0) {
        return sha256_hex_of_fd(to);
    }
    m_can_clone = false;
    return copy_content(from, to);
}

std::string TreeWriter::copy_content(int from, int to) {
    Sha256 hash;
    read_in_pieces(from, [&](std::string_view piece) {
        hash.update(piece);
        write_all(to, piece);
    });
    return hash.finish();
}

void TreeWriter::copy_symlink(const Entry& entry, const Place& place) {
    const fs::path path = m_source_path / entry.path;
    std::string target(PATH_MAX, '\0');
    const ssize_t size =
        ::readlinkat(place.source, place.name.c_str(), target.data(), target.size());
    struct stat info {};
    if (size < 0 || ::fstatat(place.source, place.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        throw_source_error(errno, path);
    }
    target.resize(static_cast<size_t>(size));
    if (sha256_hex(target) != entry.hash) {
        throw SourceChanged("link '{}' changed since it was scanned", path.native());
    }
    if (::symlinkat(target.c_str(), place.target, place.name.c_str()) != 0) {
        throw SysError(errno, "making link '{}' in the snapshot", entry.path);
    }
    set_times(place.target, place.name, info.st_mtim);
}

void TreeWriter::make_directory(const Entry& entry, const Place& place) {
    struct stat info {};
    if (::fstatat(place.source, place.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
        throw_source_error(errno, m_source_path / entry.path);
    }
    if (!S_ISDIR(info.st_mode) || (info.st_mode & 07777) != entry.mode) {
        throw SourceChanged("'{}' has another type or mode than when it was scanned",
                            (m_source_path / entry.path).native());
    }
    if (::mkdirat(place.target, place.name.c_str(), 0700) != 0) {
        throw SysError(errno, "making directory '{}' in the snapshot", entry.path);
    }
    m_directories.push_back({&entry, info.st_mtim});
}

bool TreeWriter::link(const Entry& entry, DirectoryCursor& other) {
    const std::string_view parent = parent_of(entry.path);
    const std::string name(name_of(entry.path));
    const int from = other.open(parent);
    return from >= 0 &&
           ::linkat(from, name.c_str(), target_directory(parent), name.c_str(), 0) == 0;
}

void TreeWriter::finish() {
    // Backwards, so that no directory is closed before those in it are done.
    for (auto directory = m_directories.rbegin(); directory != m_directories.rend(); ++directory) {
        const Entry& entry = *directory->entry;
        const int parent = target_directory(parent_of(entry.path));
        const std::string name(name_of(entry.path));
        set_times(parent, name, directory->mtime);
        if (::fchmodat(parent, name.c_str(), entry.mode, 0) != 0) {
            throw SysError(errno, "setting the mode of '{}'", entry.path);
        }
    }
    set_times(m_target.open(""), ".", m_root_mtime);
}

}  // namespace mstage::source
