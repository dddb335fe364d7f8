#pragma once

#include <csignal>
#include <optional>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace mstage {

/// The caller wants us to end: Ctrl-C, or kill. Exit code 128 + signal.
class Interrupted : public Error {
public:
    explicit Interrupted(int signal)
        : Error("interrupted by signal {}", signal), m_signal(signal) {}
    int signal() const noexcept { return m_signal; }

private:
    int m_signal;
};

/// While it lives, the signals that end a build (SIGINT, SIGTERM, SIGHUP) come as data instead, so
/// that destructors can tidy up. Who waits for something else polls fd() too.
class EndSignals {
public:
    EndSignals();
    EndSignals(const EndSignals&) = delete;
    EndSignals& operator=(const EndSignals&) = delete;
    ~EndSignals();

    int fd() const noexcept { return m_fd.get(); }
    /// The next signal, when one has come.
    std::optional<int> take() const;
    /// Throws Interrupted when one has come.
    void check() const;

    /// Waits until the descriptor is readable (or at its end). Throws as check() does.
    void wait_readable(int fd) const;

private:
    sigset_t m_previous{};
    Fd m_fd;
};

}  // namespace mstage
