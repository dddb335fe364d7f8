#include "sandbox/input.hpp"

#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.hpp"

namespace mstage::sandbox {

namespace {

constexpr size_t k_buffer_size = 65536;

bool is_null_device(const struct stat& info) {
    return S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
}

/// Nobody but the two ends can do anything with these.
bool can_be_handed_on(int fd, const struct stat& info) {
    struct statfs file_system {};
    const bool has_no_name = ::fstatfs(fd, &file_system) == 0 && file_system.f_type == PIPEFS_MAGIC;
    return (S_ISFIFO(info.st_mode) && has_no_name) || S_ISSOCK(info.st_mode);
}

}  // namespace

Input::Input(int source) : m_source(source) {
    struct stat info {};
    if (source < 0 || ::fstat(source, &info) != 0) {
        return;
    }
    if (S_ISDIR(info.st_mode)) {
        throw with_hint(Error("stdin is a directory"), "redirect it from a file, or /dev/null");
    }
    const int flags = ::fcntl(source, F_GETFL);
    if (is_null_device(info) || (flags & (O_ACCMODE | O_PATH)) == O_WRONLY) {
        m_for_command.null_flags = flags & O_ACCMODE;
        return;
    }
    if (can_be_handed_on(source, info)) {
        m_for_command.fd = source;
        return;
    }
    m_is_terminal = ::isatty(source) == 1;
    Pipe pipe = make_pipe();
    m_reader = std::move(pipe.reader);
    m_writer = std::move(pipe.writer);
    ::fcntl(m_writer.get(), F_SETFL, O_WRONLY | O_NONBLOCK);
    m_buffer = std::make_unique_for_overwrite<char[]>(k_buffer_size);
    m_for_command = {.fd = m_reader.get(), .is_ours = true};
}

Input::~Input() {
    int in_pipe = 0;
    if (m_reader && ::ioctl(m_reader.get(), FIONREAD, &in_pipe) == 0) {
        // Has no effect on what has no place to go back to.
        ::lseek(m_source, -static_cast<off_t>(m_pending.size()) - in_pipe, SEEK_CUR);
    }
}

bool Input::is_in_background() const noexcept {
    if (!m_is_terminal || !m_pending.empty()) {
        return false;
    }
    const pid_t group = ::tcgetpgrp(m_source);  // none: it does not control us
    return group > 0 && group != ::getpgrp();
}

void Input::connect(Fd terminal) {
    m_writer = std::move(terminal);
    m_buffer = std::make_unique_for_overwrite<char[]>(k_buffer_size);
}

pollfd Input::awaited() const noexcept {
    if (is_in_background()) {
        return {-1, 0, 0};
    }
    return m_pending.empty() ? pollfd{m_source, POLLIN, 0} : pollfd{m_writer.get(), POLLOUT, 0};
}

void Input::read_some() {
    const ssize_t count = ::read(m_source, m_buffer.get(), k_buffer_size);
    if (count > 0) {
        m_pending = {m_buffer.get(), static_cast<size_t>(count)};
    } else if (count == 0 || (m_is_terminal && errno == EIO)) {  // its line may be gone
        m_is_hung_up = m_is_terminal && !m_reader;               // raw, it has no other end
        m_writer.close();
    } else if (errno != EINTR && errno != EAGAIN) {
        throw SysError(errno, "reading stdin");
    }
}

void Input::pass_on() {
    if (m_pending.empty()) {
        read_some();
    }
    if (m_pending.empty()) {
        return;
    }
    const ssize_t count = ::write(m_writer.get(), m_pending.data(), m_pending.size());
    if (count > 0) {
        m_pending.remove_prefix(static_cast<size_t>(count));
    } else if (m_is_terminal && errno == EIO) {
        m_writer.close();  // the command is about to end
    } else if (errno != EINTR && errno != EAGAIN) {
        throw SysError(errno, "passing stdin on");
    }
}

}  // namespace mstage::sandbox
