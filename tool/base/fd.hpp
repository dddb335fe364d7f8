#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mstage {

/// Owns a file descriptor; moving empties the source. All descriptors made here are close-on-exec.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) noexcept : m_fd(fd) {}
    Fd(Fd&& other) noexcept : m_fd(std::exchange(other.m_fd, -1)) {}
    Fd& operator=(Fd&& other) noexcept;
    ~Fd() { close(); }

    int get() const noexcept { return m_fd; }
    explicit operator bool() const noexcept { return m_fd >= 0; }
    [[nodiscard]] int release() noexcept { return std::exchange(m_fd, -1); }
    void close() noexcept;

private:
    int m_fd = -1;
};

/// open(2)/openat(2) with O_CLOEXEC; throws SysError naming the path.
Fd open_fd(const std::filesystem::path& path, int flags, mode_t mode = 0);
Fd open_at(int dir, const std::string& name, int flags, mode_t mode = 0);

/// openat2(2) with O_CLOEXEC, again and again where the kernel asks for that. An empty Fd with errno
/// set when it fails.
Fd try_openat2(int dir, const std::string& path, int flags, std::uint64_t resolve);

/// Opens `path` as a process would whose root directory is `root`: links, also absolute ones, and
/// ".." stay inside. An empty Fd with errno set when that fails.
Fd try_open_in_root(int root, const std::string& path, int flags);

/// The names in a directory, sorted, without "." and "..".
std::vector<std::string> names_in_directory(Fd directory);

struct Pipe {
    Fd reader;
    Fd writer;
};
Pipe make_pipe();

/// What fits into a piece of a file that is read in pieces.
inline constexpr size_t k_piece_size = 65536;
/// One read(2) into the buffer, across EINTR: how much came, 0 at the end of the file.
size_t read_some(int fd, std::span<char> buffer);
/// Everything up to the end of the file.
std::string read_all(int fd);
/// The same in pieces, for what may be long.
void read_in_pieces(int fd, const std::function<void(std::string_view)>& take);
/// All of `data`, across short writes and EINTR.
void write_all(int fd, std::string_view data);

}  // namespace mstage
