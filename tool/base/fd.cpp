#include "base/fd.hpp"

#include <fcntl.h>
#include <unistd.h>

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

Pipe make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        throw SysError(errno, "making a pipe");
    }
    return {Fd(ends[0]), Fd(ends[1])};
}

std::string read_all(int fd) {
    std::string data;
    char buffer[65536];
    while (true) {
        const ssize_t count = ::read(fd, buffer, sizeof buffer);
        if (count == 0) {
            return data;
        }
        if (count < 0) {
            if (errno == EINTR) {
                continue;
            }
            throw SysError(errno, "reading");
        }
        data.append(buffer, static_cast<size_t>(count));
    }
}

void write_all(int fd, std::string_view data) {
    while (!data.empty()) {
        const ssize_t count = ::write(fd, data.data(), data.size());
        if (count < 0) {
            if (errno == EINTR) {
                continue;
            }
            throw SysError(errno, "writing");
        }
        data.remove_prefix(static_cast<size_t>(count));
    }
}

}  // namespace mstage
