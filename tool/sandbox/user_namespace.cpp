#include "sandbox/user_namespace.hpp"

#include <grp.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/json.hpp"
#include "sandbox/submounts.hpp"

namespace mstage::sandbox {

namespace {

pid_t clone_into(std::uint64_t namespaces, int* pidfd) {
    clone_args args{};
    args.flags = namespaces | CLONE_PIDFD;
    args.pidfd = reinterpret_cast<std::uintptr_t>(pidfd);
    args.exit_signal = SIGCHLD;
    return static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
}

[[noreturn]] void throw_clone_error(int number) {
    const char* hint = "";
    switch (number) {
        case EPERM:
        case EACCES:
            hint =
                "user namespaces are forbidden here: check the sysctls "
                "kernel.unprivileged_userns_clone and "
                "kernel.apparmor_restrict_unprivileged_userns, and a container's seccomp profile";
            break;
        case ENOSPC:
        case EUSERS:
            hint =
                "the sysctl user.max_user_namespaces is too low, or namespaces are nested too deep";
            break;
        default:
            hint = "the kernel needs CONFIG_USER_NS and clone3() (Linux 5.13 or newer)";
    }
    throw with_hint(Unavailable("making a user namespace: {}", SysError(number, "clone3").what()),
                    hint);
}

/// What ended the child, as one JSON object: exceptions cannot cross.
void send_error(int fd, const Error& error) {
    try {
        write_all(fd, dump_json({{"message", error.message()}, {"hint", error.hint()}}));
    } catch (const std::exception&) {
        // The parent is gone, and so is the one who would have read it.
    }
}

void enter_namespaces() {
    // Become the map's 0 fully; supplementary groups would be other people's. Denied where only one
    // id is mapped.
    [[maybe_unused]] const int refused = ::setgroups(0, nullptr);
    if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) {
        throw SysError(errno, "becoming user 0 of the user namespace");
    }
    // Nothing that we mount may reach the machine. What it unmounts goes here too: it would be busy
    // for as long as we run.
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
        throw SysError(errno, "keeping mounts to ourselves");
    }
    // setresuid() cleared both.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_DUMPABLE, 1);
}

/// To be called with the death signal set. The parent may have died before that, and in a process-id namespace of our
/// own its id does not tell. A process that ends closes its files before it sends death signals: what is still open
/// now promises that the signal will come.
void end_if_parent_is_dead(int alive) {
    pollfd end_of_file{alive, 0, 0};
    if (::poll(&end_of_file, 1, 0) > 0 && (end_of_file.revents & POLLHUP) != 0) {
        ::_exit(1);
    }
}

/// Never returns, so that no destructor of the parent's objects runs in the child.
[[noreturn]] void child_main(const Pipe& go, const Pipe& errors, const std::function<int()>& body) {
    int code = 1;
    try {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        // The id map is the parent's to write. End of file instead of a byte: it failed, or is
        // dead.
        char byte = 0;
        ::close(go.writer.get());
        if (::read(go.reader.get(), &byte, 1) == 1) {
            enter_namespaces();
            end_if_parent_is_dead(go.reader.get());
            code = body();
        }
    } catch (const Error& error) {
        send_error(errors.writer.get(), error);
    } catch (const std::exception& error) {
        send_error(errors.writer.get(), Error("{}", error.what()));
    }
    ::_exit(code);
}

}  // namespace

NamespaceChild::NamespaceChild(const IdMap& map, Processes processes,
                               const std::function<int()>& body) {
    Pipe go = make_pipe();
    Pipe errors = make_pipe();
    std::uint64_t namespaces = CLONE_NEWUSER | CLONE_NEWNS;
    if (processes == Processes::own) {
        namespaces |= CLONE_NEWPID;
    }
    int pidfd = -1;
    m_pid = clone_into(namespaces, &pidfd);
    if (m_pid == 0) {
        child_main(go, errors, body);
    }
    if (m_pid < 0) {
        throw_clone_error(errno);
    }
    m_pidfd = Fd(pidfd);
    m_errors = std::move(errors.reader);
    try {
        apply_id_map(map, m_pid);
    } catch (Error& error) {
        kill();
        wait_for(std::exchange(m_pid, -1));
        Unavailable unavailable("mapping the ids of the sandbox: {}", error.message());
        throw with_hint(std::move(unavailable), error.hint());
    }
    write_all(go.writer.get(), "x");
    m_alive = std::move(go.writer);
}

NamespaceChild::~NamespaceChild() {
    if (m_pid > 0) {
        kill();
        try {
            wait_for(m_pid);
        } catch (const Error&) {
            // Nothing is left to wait for.
        }
    }
}

void NamespaceChild::kill() noexcept {
    if (m_pid > 0) {
        ::kill(m_pid, SIGKILL);
    }
}

NamespaceChild::End NamespaceChild::wait(const EndSignals* signals) {
    if (signals != nullptr) {
        signals->wait_readable(m_errors.get());
    }
    const std::string report = read_all(m_errors.get());
    int status = 0;
    End end;
    while (::wait4(m_pid, &status, 0, &end.usage) < 0) {
        if (errno != EINTR) {
            throw SysError(errno, "waiting for process {}", m_pid);
        }
    }
    m_pid = -1;
    end.state = exit_state_of(status);
    if (!report.empty()) {
        const Json json = parse_json(report, "the sandbox's report");
        throw with_hint(Error("{}", json_get<std::string>(json, "message")),
                        json_get<std::string>(json, "hint"));
    }
    return end;
}

void run_in_user_namespace(const IdMap& map, const std::function<void()>& body,
                           const std::vector<std::string>& bare, const EndSignals* signals,
                           NamespaceChild::Processes processes) {
    std::optional<NamespaceChild> child;
    {
        const HiddenSubmounts hidden(bare);
        child.emplace(map, processes, [&] {
            body();
            return 0;
        });
    }
    const NamespaceChild::End end = child->wait(signals);
    if (!end.state.ok()) {
        throw Error("a helper process ended with {}", end.state.describe());
    }
}

std::string answer_from_user_namespace(const IdMap& map, const std::function<std::string()>& body,
                                       const std::vector<std::string>& bare,
                                       const EndSignals* signals,
                                       NamespaceChild::Processes processes) {
    // A file, because a pipe would have to be read while the child still writes.
    const Fd answer(::memfd_create("mstage-answer", MFD_CLOEXEC));
    run_in_user_namespace(
        map, [&] { write_all(answer.get(), body()); }, bare, signals, processes);
    ::lseek(answer.get(), 0, SEEK_SET);
    return read_all(answer.get());
}

void show_own_processes() {
    if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
        throw with_hint(SysError(errno, "mounting /proc for the sandbox"),
                        "in a container, parts of /proc must not be covered (docker run "
                        "--security-opt systempaths=unconfined)");
    }
}

}  // namespace mstage::sandbox
