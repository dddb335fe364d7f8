#include "base/atomic_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <climits>
#include <functional>

#include "base/error.hpp"

namespace mstage {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view k_mark = ".mstage-";
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
Fd make_locked_temporary(const fs::path& path, std::string& temporary) {
    while (true) {
        temporary = (path.parent_path() / temporary_start(path)).native() + std::string(k_random);
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

void remove_dead_temporaries_if(const fs::path& directory,
                                const std::function<bool(const std::string&)>& is_meant) {
    const Fd fd = open_fd(directory, O_RDONLY | O_DIRECTORY);
    for (const std::string& name : names_in_directory(open_at(fd.get(), ".", O_RDONLY))) {
        if (!is_temporary_name(name) || !is_meant(name)) {
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

}  // namespace

fs::path file_to_replace(const fs::path& path, NameIsLink links) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
        return path;  // if not because nothing is there, making the file says why
    }
    const bool is_link = S_ISLNK(info.st_mode);
    if (is_link && links == NameIsLink::replaced) {
        return path;
    }
    const bool is_followed = is_link && links == NameIsLink::followed;
    if (is_followed && ::stat(path.c_str(), &info) != 0) {
        throw with_hint(UsageError("'{}' is a symbolic link that leads nowhere", path.native()),
                        "remove the link, or make what it leads to");
    }
    if (!S_ISREG(info.st_mode)) {
        throw with_hint(UsageError("'{}' is there and is no regular file but {}", path.native(),
                                   kind_of(info.st_mode)),
                        S_ISLNK(info.st_mode) ? "remove the link, or name what it leads to"
                                              : "name a file, which can be read from afterwards");
    }
    return is_followed ? fs::canonical(path) : path;
}

AtomicFile::AtomicFile(const fs::path& path, NameIsLink links)
    : m_path(file_to_replace(path, links)), m_file(make_locked_temporary(m_path, m_temporary)) {
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
    remove_dead_temporaries_if(directory, [](const std::string&) { return true; });
}

void remove_dead_temporaries_of(const fs::path& file) {
    const std::string start = temporary_start(file);
    const size_t length = start.size() + k_random.size();
    remove_dead_temporaries_if(
        file.has_parent_path() ? file.parent_path() : ".",
        [&](const std::string& name) { return name.size() == length && name.starts_with(start); });
}

}  // namespace mstage
