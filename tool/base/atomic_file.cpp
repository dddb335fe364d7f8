#include "base/atomic_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <climits>

#include "base/error.hpp"

namespace mstage {

namespace fs = std::filesystem;

namespace {

// Escaped names have no tilde (base/text.hpp).
constexpr std::string_view k_mark = "~mstage-";
constexpr std::string_view k_random = "XXXXXX";

void sync_fd(int fd, const fs::path& path) {
    if (::fsync(fd) != 0) {
        throw SysError(errno, "writing '{}' to disk", path.native());
    }
}

/// What the name of a file's temporary begins with.
std::string temporary_start(const fs::path& path) {
    const size_t most = NAME_MAX - k_mark.size() - k_random.size();
    return path.filename().native().substr(0, most) + std::string(k_mark);
}

/// Its lock is what says that its owner lives.
Fd make_locked_temporary(const fs::path& path, const fs::path& directory, std::string& temporary) {
    while (true) {
        temporary = (directory / temporary_start(path)).native() + std::string(k_random);
        Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
        if (!fd) {
            throw SysError(errno, "writing '{}'", path.native());
        }
        struct stat info {};
        // Somebody may have taken it for dead in the moment before.
        if (::flock(fd.get(), LOCK_EX) != 0 || ::fstat(fd.get(), &info) != 0 || info.st_nlink > 0) {
            return fd;
        }
    }
}

/// mkostemp() makes the file private.
void make_public(int fd) {
    const mode_t mask = ::umask(0);
    ::umask(mask);
    ::fchmod(fd, 0666 & ~mask);
}

const char* kind_of(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFDIR:
            return "a directory";
        case S_IFLNK:
            return "a symbolic link";
        case S_IFIFO:
            return "a FIFO";
        case S_IFSOCK:
            return "a socket";
        default:
            return "a device";
    }
}

/// What the kernel does where fs.protected_symlinks is set: in a directory where everybody may put
/// things, a link is somebody's word for where our file goes, and has to be that of one we trust.
void check_owner_of_link(const fs::path& link, const struct stat& info) {
    const fs::path directory = link.has_parent_path() ? link.parent_path() : ".";
    struct stat parent {};
    if (::stat(directory.c_str(), &parent) != 0) {
        throw SysError(errno, "looking at '{}'", directory.native());
    }
    const bool is_everybodys = (parent.st_mode & S_ISVTX) != 0 && (parent.st_mode & S_IWOTH) != 0;
    const bool is_trusted =
        info.st_uid == ::geteuid() || info.st_uid == 0 || info.st_uid == parent.st_uid;
    if (is_everybodys && !is_trusted) {
        throw with_hint(
            UsageError("'{}' is a symbolic link of another user (id {}), in a directory in which "
                       "everybody can make one",
                       link.native(), info.st_uid),
            "name what it leads to, if that is where it is to go");
    }
}

/// What the link leads to, link after link.
fs::path end_of_links(const fs::path& link) {
    constexpr int k_most = 40;  // as the kernel has it
    fs::path path = link;
    for (int i = 0; i < k_most; ++i) {
        struct stat info {};
        if (::lstat(path.c_str(), &info) == 0 && !S_ISLNK(info.st_mode)) {
            return fs::canonical(path);
        }
        std::error_code error;
        const fs::path target = fs::read_symlink(path, error);
        if (error) {
            break;
        }
        check_owner_of_link(path, info);
        path = path.parent_path() / target;
    }
    throw with_hint(UsageError("'{}' is a symbolic link that leads nowhere", link.native()),
                    "remove the link, or make what it leads to");
}

}  // namespace

fs::path file_to_replace(const fs::path& path, NameIsLink links) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        return path;  // if not because nothing is there, making the file says why
    }
    if (S_ISLNK(info.st_mode) && links == NameIsLink::replaced) {
        return path;
    }
    if (S_ISLNK(info.st_mode) && links == NameIsLink::followed) {
        return file_to_replace(end_of_links(path), NameIsLink::refused);
    }
    if (!S_ISREG(info.st_mode)) {
        throw with_hint(UsageError("'{}' is there and is no regular file but {}", path.native(),
                                   kind_of(info.st_mode)),
                        S_ISLNK(info.st_mode) ? "remove the link, or name what it leads to"
                                              : "name a file, which can be read from afterwards");
    }
    return path;
}

AtomicFile::AtomicFile(const fs::path& path, NameIsLink links) : AtomicFile(path, links, {}) {}

AtomicFile::AtomicFile(const fs::path& path, NameIsLink links, const fs::path& directory)
    : m_path(file_to_replace(path, links)),
      m_file(make_locked_temporary(m_path, directory.empty() ? m_path.parent_path() : directory,
                                   m_temporary)) {
    make_public(m_file.get());
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : m_path(std::move(other.m_path)),
      m_temporary(std::exchange(other.m_temporary, {})),
      m_file(std::move(other.m_file)) {}

AtomicFile::~AtomicFile() {
    if (!m_temporary.empty()) {
        ::unlink(m_temporary.c_str());
    }
}

void AtomicFile::write(std::string_view bytes) {
    with_context(fmt::format("'{}'", m_path.native()), [&] { write_all(m_file.get(), bytes); });
}

void AtomicFile::commit_as(const fs::path& path, Durable durable) {
    if (durable == Durable::yes) {
        sync_fd(m_file.get(), path);
    }
    if (::rename(m_temporary.c_str(), path.c_str()) != 0) {
        throw SysError(errno, "writing '{}'", path.native());
    }
    m_temporary.clear();
    m_file.close();
    if (durable == Durable::yes) {
        const fs::path directory = path.has_parent_path() ? path.parent_path() : ".";
        sync_fd(open_fd(directory, O_RDONLY | O_DIRECTORY).get(), directory);
    }
}

bool is_temporary_name(std::string_view name) {
    const size_t length = k_mark.size() + k_random.size();
    return name.size() > length && name.substr(name.size() - length).starts_with(k_mark) &&
           std::ranges::all_of(name.substr(name.size() - k_random.size()),
                               [](unsigned char c) { return std::isalnum(c) != 0; });
}

void remove_dead_temporaries(const fs::path& directory) {
    const Fd fd = open_fd(directory, O_RDONLY | O_DIRECTORY);
    for (const std::string& name : names_in_directory(open_at(fd.get(), ".", O_RDONLY))) {
        if (!is_temporary_name(name)) {
            continue;
        }
        const Fd file(
            ::openat(fd.get(), name.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
        struct stat info {};
        if (file && ::fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode) &&
            ::flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
            ::unlinkat(fd.get(), name.c_str(), 0);
        }
    }
}

}  // namespace mstage
