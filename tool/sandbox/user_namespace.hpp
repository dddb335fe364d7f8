#pragma once

#include <sys/resource.h>

#include <functional>

#include "base/end_signals.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/process.hpp"
#include "sandbox/id_map.hpp"

namespace mstage::sandbox {

/// This machine does not let us make the namespaces that a sandbox needs. Tests are skipped for it,
/// not failed.
class Unavailable : public Error {
public:
    using Error::Error;
};

/// A child process in namespaces of its own. It dies with its parent, and with it all that it
/// started when it has a process-id namespace. Destroying the object kills the child and waits for
/// its end.
class NamespaceChild {
public:
    enum class Processes { shared, own };

    /// Forks; the child gets a user and a mount namespace (and a process-id namespace in which it
    /// is process 1), the ids of `map`, and runs `body` there, whose result is its exit code. What
    /// `body` throws is thrown by wait().
    NamespaceChild(const IdMap& map, Processes processes, const std::function<int()>& body);
    NamespaceChild(const NamespaceChild&) = delete;
    NamespaceChild& operator=(const NamespaceChild&) = delete;
    ~NamespaceChild();

    /// Readable when the child has ended.
    int pidfd() const noexcept { return m_pidfd.get(); }
    void kill() noexcept;

    /// Waits for the end. Rethrows the Error that ended the child, if one did.
    struct End {
        ExitState state;
        rusage usage{};
    };
    /// With `signals`, one of them is thrown as Interrupted.
    End wait(const EndSignals* signals = nullptr);

private:
    pid_t m_pid = -1;
    Fd m_pidfd;
    Fd m_errors;
    Fd m_alive;  ///< closed by our death, which the child looks for
};

/// Runs `body` in a child with a user and a mount namespace and waits for it: for work on files
/// that belong to other ids of the map. What `body` throws is thrown here (as an Error). In the
/// directories `bare` it sees nothing that is mounted below them (submounts.hpp). One of `signals`
/// ends it, and Interrupted is thrown. With processes of its own, all that it started and mounted has
/// ended with it.
void run_in_user_namespace(const IdMap& map, const std::function<void()>& body,
                           const std::vector<std::string>& bare = {},
                           const EndSignals* signals = nullptr,
                           NamespaceChild::Processes processes = NamespaceChild::Processes::shared);

/// The same for a body with something to tell: the text that it returns.
std::string answer_from_user_namespace(
    const IdMap& map, const std::function<std::string()>& body,
    const std::vector<std::string>& bare = {}, const EndSignals* signals = nullptr,
    NamespaceChild::Processes processes = NamespaceChild::Processes::shared);

/// In a child with processes of its own: has /proc show these, as programs that look for theirs there
/// expect.
void show_own_processes();

}  // namespace mstage::sandbox
