#include "base/end_signals.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace mstage {

EndSignals::EndSignals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        sigaddset(&set, number);
    }
    ::sigprocmask(SIG_BLOCK, &set, &m_previous);
    m_fd = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}

EndSignals::~EndSignals() {
    ::sigprocmask(SIG_SETMASK, &m_previous, nullptr);
}

std::optional<int> EndSignals::take() const {
    signalfd_siginfo info{};
    const bool got = ::read(m_fd.get(), &info, sizeof info) == sizeof info;
    return got ? std::optional(static_cast<int>(info.ssi_signo)) : std::nullopt;
}

void EndSignals::wait_readable(int fd) const {
    pollfd fds[] = {{m_fd.get(), POLLIN, 0}, {fd, POLLIN, 0}};
    while (::poll(fds, 2, -1) < 0) {
        if (errno != EINTR) {
            throw SysError(errno, "waiting");
        }
    }
    check();
}

void EndSignals::check() const {
    if (const auto signal = take()) {
        throw Interrupted(*signal);
    }
}

}  // namespace mstage
