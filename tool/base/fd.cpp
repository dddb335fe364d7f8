#include "base/fd.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/error.hpp"

namespace mstage {

Fd& Fd::operator=(Fd&& other) noexcept {
    if (this != &other) {
        close();
        m_fd = std::exchange(other.m_fd, -1);
    }
    return *this;
}

void Fd::close() noexcept {
    if (m_fd >= 0) {
        ::close(std::exchange(m_fd, -1));
    }
}

Fd open_fd(const std::filesystem::path& path, int flags, mode_t mode) {
    return open_at(AT_FDCWD, path.native(), flags, mode);
}

Fd open_at(int dir, const std::string& name, int flags, mode_t mode) {
    const int fd = ::openat(dir, name.c_str(), flags | O_CLOEXEC, mode);
    if (fd < 0) {
        throw SysError(errno, "opening '{}'", name);
    }
    return Fd(fd);
}

Fd try_openat2(int dir, const std::string& path, int flags, std::uint64_t resolve) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
    how.resolve = resolve;
    // The kernel gives up on ".." when anything on the machine is renamed meanwhile; then the same
    // call again is what is meant to be done.
    constexpr int k_attempts = 1000;
    long fd = -1;
    for (int attempt = 0; attempt < k_attempts; ++attempt) {
        fd = ::syscall(SYS_openat2, dir, path.c_str(), &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) {
            break;
        }
    }
    return Fd(static_cast<int>(fd));
}

Fd try_open_in_root(int root, const std::string& path, int flags) {
    return try_openat2(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

namespace {
struct CloseDir {
    void operator()(DIR* dir) const { ::closedir(dir); }
};
}  // namespace

std::vector<std::string> names_in_directory(Fd directory) {
    const std::unique_ptr<DIR, CloseDir> stream(::fdopendir(directory.get()));
    if (!stream) {
        throw SysError(errno, "reading the directory");
    }
    [[maybe_unused]] const int owned_by_stream = directory.release();
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = ::readdir(stream.get())) {
        const std::string_view name = entry->d_name;
        if (name != "." && name != "..") {
            names.emplace_back(name);
        }
    }
    if (errno != 0) {
        throw SysError(errno, "reading the directory");
    }
    std::ranges::sort(names);
    return names;
}

Pipe make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        throw SysError(errno, "making a pipe");
    }
    return {Fd(ends[0]), Fd(ends[1])};
}

size_t read_some(int fd, std::span<char> buffer) {
    while (true) {
        const ssize_t count = ::read(fd, buffer.data(), buffer.size());
        if (count >= 0) {
            return static_cast<size_t>(count);
        }
        if (errno != EINTR) {
            throw SysError(errno, "reading");
        }
    }
}

std::string read_all(int fd) {
    std::string data;
    read_in_pieces(fd, [&](std::string_view piece) { data.append(piece); });
    return data;
}

void read_in_pieces(int fd, const std::function<void(std::string_view)>& take) {
    // Stacks can be small; and most files are, so zeroing all of it would be most of the work.
    const auto buffer = std::make_unique_for_overwrite<char[]>(k_piece_size);
    while (const size_t count = read_some(fd, {buffer.get(), k_piece_size})) {
        take({buffer.get(), count});
    }
}

void write_all(int fd, std::string_view data) {
    while (!data.empty()) {
        const ssize_t count = ::write(fd, data.data(), data.size());
        if (count < 0) {
            if (errno == EINTR) {
                continue;
            }
            const int number = errno;
            SysError error(number, "writing");
            if (number == ENOSPC) {
                error.set_hint("the file system is full: make room on it, or write elsewhere");
            }
            throw error;
        }
        data.remove_prefix(static_cast<size_t>(count));
    }
}

}  // namespace mstage
