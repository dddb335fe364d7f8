#include "sandbox/terminal.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "base/error.hpp"

namespace mstage::sandbox {

namespace fs = std::filesystem;

namespace {

sigset_t change_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGCONT);
    return set;
}

/// One byte, and room for the descriptor that goes with it.
struct Parcel {
    Parcel() {
        message.msg_iov = &data;
        message.msg_iovlen = 1;
        message.msg_control = room;
        message.msg_controllen = sizeof room;
    }
    Parcel(const Parcel&) = delete;
    Parcel& operator=(const Parcel&) = delete;

    char byte = 0;
    iovec data{&byte, 1};
    alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
};

void copy_size(int from, int to) {
    winsize size{};
    if (::ioctl(from, TIOCGWINSZ, &size) == 0) {
        ::ioctl(to, TIOCSWINSZ, &size);
    }
}

}  // namespace

CommandTerminal open_command_terminal(const fs::path& root, int like) {
    const fs::path pts = root / "dev/pts";
    CommandTerminal terminal;
    terminal.master = open_fd(pts / "ptmx", O_RDWR | O_NOCTTY);
    int unlocked = 0;
    unsigned number = 0;
    if (::ioctl(terminal.master.get(), TIOCSPTLCK, &unlocked) != 0 ||
        ::ioctl(terminal.master.get(), TIOCGPTN, &number) != 0) {
        throw SysError(errno, "making a terminal for the command");
    }
    terminal.path = fmt::format("/dev/pts/{}", number);
    terminal.slave = open_fd(pts / std::to_string(number), O_RDWR | O_NOCTTY);
    termios settings{};
    if (::tcgetattr(like, &settings) == 0) {
        ::tcsetattr(terminal.slave.get(), TCSANOW, &settings);
    }
    copy_size(like, terminal.slave.get());
    return terminal;
}

TerminalLink::TerminalLink(int terminal) : m_terminal(terminal) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        throw SysError(errno, "making a pair of sockets");
    }
    m_parent_end = Fd(ends[0]);
    m_child_end = Fd(ends[1]);
    // What is blocked waits for us even where it would be ignored.
    const sigset_t set = change_signals();
    ::sigprocmask(SIG_BLOCK, &set, &m_previous_mask);
}

TerminalLink::~TerminalLink() {
    // In the background it is somebody else's now, and has been put back by the shell that sent us
    // there. (-1: it is nobody's, so nobody is stopped for writing to it.)
    const pid_t foreground = ::tcgetpgrp(m_terminal);
    if (m_master && (foreground == ::getpgrp() || foreground < 0)) {
        ::tcsetattr(m_terminal, TCSANOW, &m_settings);
    }
    m_changes.close();
    ::sigprocmask(SIG_SETMASK, &m_previous_mask, nullptr);
}

void TerminalLink::hand_over(const Fd& master) const {
    Parcel parcel;
    cmsghdr* header = CMSG_FIRSTHDR(&parcel.message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = master.get();
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
    if (::sendmsg(m_child_end.get(), &parcel.message, MSG_NOSIGNAL) != 1) {
        throw SysError(errno, "handing the command's terminal over");
    }
}

pollfd TerminalLink::awaited() const noexcept {
    // A negative descriptor is not waited for: the child has ended without one.
    return {m_master ? m_changes.get() : m_parent_end.get(), POLLIN, 0};
}

std::optional<Fd> TerminalLink::look() {
    if (m_master) {
        signalfd_siginfo info{};
        while (::read(m_changes.get(), &info, sizeof info) == sizeof info) {
            if (info.ssi_signo == SIGCONT) {
                make_raw();
            }
        }
        pass_size_on();
        return std::nullopt;
    }
    Parcel parcel;
    const ssize_t count = ::recvmsg(m_parent_end.get(), &parcel.message, MSG_CMSG_CLOEXEC);
    if (count < 0 && errno == EINTR) {
        return std::nullopt;
    }
    m_parent_end.close();
    const cmsghdr* header = count == 1 ? CMSG_FIRSTHDR(&parcel.message) : nullptr;
    if (header == nullptr) {
        return std::nullopt;
    }
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    m_master = Fd(fd);
    const sigset_t set = change_signals();
    m_changes = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (::tcgetattr(m_terminal, &m_settings) != 0) {
        throw SysError(errno, "reading the terminal's settings");
    }
    make_raw();
    pass_size_on();
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

void TerminalLink::make_raw() const {
    termios raw = m_settings;
    ::cfmakeraw(&raw);
    ::tcsetattr(m_terminal, TCSANOW, &raw);
}

void TerminalLink::pass_size_on() const {
    copy_size(m_terminal, m_master.get());
}

}  // namespace mstage::sandbox
