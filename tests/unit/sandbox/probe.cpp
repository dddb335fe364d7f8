// Runs as the command of a sandbox and tries what a shell cannot. Prints the name of the error, or "ok".

#include <fcntl.h>
#include <linux/keyctl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace {

int tell(long result) {
    std::puts(result < 0 ? ::strerrorname_np(errno) : "ok");
    return 0;
}

/// Typing a character into a terminal, or what looks like it to the filter.
int type_into_terminal(unsigned long request) {
    const char letter = 'x';
    return tell(::syscall(SYS_ioctl, 0, request, &letter));
}

int terminal_size() {
    winsize size{};
    const int result = ::ioctl(0, TIOCGWINSZ, &size);
    std::printf("%d x %d\n", size.ws_row, size.ws_col);
    return result;
}

/// A daemon as they come: forked twice, in a session of its own, with no descriptor left of ours but the terminal's.
int become_daemon() {
    if (::fork() != 0) {
        return 0;
    }
    ::setsid();
    if (::fork() != 0) {
        return 0;
    }
    ::signal(SIGTERM, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    for (int number = 0; number < 60'000; ++number) {
        ::usleep(10'000);
        const int fd = ::open("/root/alive", O_WRONLY | O_CREAT | O_APPEND, 0644);
        if (fd >= 0) {
            [[maybe_unused]] const ssize_t count = ::write(fd, "x", 1);
            ::close(fd);
        }
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view what = argc > 1 ? argv[1] : "";
    if (what == "keyctl") {
        return tell(
            ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0, 0, 0));
    }
    if (what == "size") {
        return terminal_size();
    }
    if (what == "type") {
        return type_into_terminal(TIOCSTI);
    }
    if (what == "type-wide") {
        // The kernel looks at the lower half of the number only.
        return type_into_terminal(TIOCSTI | (1UL << 32));
    }
    if (what == "type-console") {
        return type_into_terminal(TIOCLINUX);
    }
    if (what == "bpf") {
        return tell(::syscall(SYS_bpf, 0, nullptr, 0));
    }
    if (what == "io_uring") {
        return tell(::syscall(SYS_io_uring_setup, 1, nullptr));
    }
    if (what == "mount") {
        return tell(::mount("none", "/tmp", "tmpfs", 0, nullptr));
    }
    if (what == "chown") {
        return tell(::chown("/root/mine", 7, 7));
    }
    if (what == "daemon") {
        return become_daemon();
    }
    if (what == "segfault") {
        ::raise(SIGSEGV);
    }
    std::fprintf(stderr, "probe: what is '%s'?\n", argc > 1 ? argv[1] : "");
    return 2;
}
