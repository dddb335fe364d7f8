#include "sandbox/bwrap.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <memory>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "sandbox/launcher.hpp"
#include "sandbox/mount_clone.hpp"
#include "sandbox/run_root.hpp"
#include "sandbox/seccomp.hpp"
#include "sandbox/start_check.hpp"
#include "sandbox/system_places.hpp"
#include "sandbox/user_namespace.hpp"

namespace mstage::sandbox {

namespace fs = std::filesystem;

namespace {

/// What installing packages needs. Not among them: everything that could reach beyond the sandbox's
/// own files.
constexpr const char* k_capabilities[] = {
    "CAP_CHOWN",  "CAP_DAC_OVERRIDE", "CAP_FOWNER",  "CAP_FSETID",           "CAP_KILL",
    "CAP_SETGID", "CAP_SETUID",       "CAP_SETFCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT"};

/// NUL-separated, in a file: command lines are visible to everybody on the machine.
Fd arguments_file(const std::vector<std::string>& arguments) {
    Fd file(::memfd_create("mstage-bwrap", MFD_CLOEXEC));
    if (!file) {
        throw SysError(errno, "making the file of bwrap's arguments");
    }
    std::string text;
    for (const std::string& argument : arguments) {
        // It would be two arguments, and images say what is in some of them.
        if (argument.find('\0') != std::string::npos) {
            throw Error("'{}' holds a NUL, which no program can be given",
                        escape_control(argument));
        }
        text.append(argument).push_back('\0');
    }
    write_all(file.get(), text);
    ::lseek(file.get(), 0, SEEK_SET);
    return file;
}

void keep_across_exec(int fd) {
    ::fcntl(fd, F_SETFD, 0);
}

void limit(__rlimit_resource resource, rlim_t wanted) {
    rlimit now{};
    ::getrlimit(resource, &now);
    now.rlim_cur = std::min(wanted, now.rlim_max);
    ::setrlimit(resource, &now);
}

/// As for the umask.
void set_limits(bool has_secrets) {
    limit(RLIMIT_CORE, 0);
    if (has_secrets) {
        forbid_core_dumps();
    }
    limit(RLIMIT_FSIZE, RLIM_INFINITY);
    limit(RLIMIT_NOFILE, 65536);
    limit(RLIMIT_STACK, 8UL << 20);
}

struct BwrapFile {
    std::string path;
    Fd clone;  ///< to be run instead, if there is one
};

/// bwrap is process 1 of the sandbox, and so its file is in the sandbox's /proc. Run from a read-only
/// mount it cannot be opened for writing there by a root who is the machine's to the kernel.
BwrapFile find_bwrap(IdMode mode) {
    const auto path = find_program("bwrap");
    if (!path) {
        throw with_hint(Error("program 'bwrap' was not found"), "install the package 'bubblewrap'");
    }
    BwrapFile file{.path = *path, .clone = {}};
    if (mode == IdMode::identity) {
        file.clone = clone_mount(*path, CloneRestriction::read_only);
    }
    return file;
}

[[noreturn]] void exec_bwrap(const BwrapFile& bwrap, const std::vector<std::string>& argv,
                             const CommandFds& fds, const std::vector<int>& kept,
                             bool has_secrets) {
    std::vector<char*> pointers;
    for (const std::string& word : argv) {
        pointers.push_back(const_cast<char*>(word.c_str()));
    }
    pointers.push_back(nullptr);
    reset_signals_for_child();
    set_limits(has_secrets);
    ::dup2(fds.in.fd, 0);
    ::dup2(fds.out, 1);
    ::dup2(fds.err, 2);
    // Build tools leave descriptors open for their children, a job server's for one.
    ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    for (const int fd : kept) {
        keep_across_exec(fd);
    }
    char* const no_environment[] = {nullptr};
    if (bwrap.clone) {
        ::execveat(bwrap.clone.get(), "", pointers.data(), no_environment, AT_EMPTY_PATH);
    }
    ::execve(bwrap.path.c_str(), pointers.data(), no_environment);
    ::_exit(127);
}

/// A child that shares our memory, while we stand still, until `become_program` has made it another
/// program: to copy the memory would take longer than all that is done with it.
template <typename F>
pid_t start_child(const F& become_program) {
    constexpr size_t k_stack_size = 256UL * 1024;
    const auto stack = std::make_unique_for_overwrite<char[]>(k_stack_size);
    const auto body = [](void* function) -> int {
        (*static_cast<const F*>(function))();
        return 127;
    };
    const pid_t pid = ::clone(body, stack.get() + k_stack_size, CLONE_VM | CLONE_VFORK | SIGCHLD,
                              const_cast<F*>(&become_program));
    if (pid < 0) {
        throw SysError(errno, "starting bwrap");
    }
    return pid;
}

/// Waits for everything that dies, as process 1 has to, and tells how `pid` ended. bwrap leaves without waiting for its
/// own process 1, which the kernel ends then; what that one's commands used counts for us only once it is reaped.
int reap_all(pid_t pid) {
    int code = 0;
    while (true) {
        int status = 0;
        const pid_t ended = ::waitpid(-1, &status, 0);
        if (ended == pid) {
            code = exit_state_of(status).shell_code();
            // A bwrap that failed may leave a child that waits for it.
            ::kill(-1, SIGKILL);
        }
        if (ended < 0 && errno == ECHILD) {
            return code;
        }
        if (ended < 0 && errno != EINTR) {
            throw SysError(errno, "waiting for bwrap");
        }
    }
}

/// A file, because not every machine executes what is in memory only.
Fd launcher_file(const fs::path& scratch) {
    make_directories(scratch);
    const fs::path path = scratch / "launcher";
    {
        const Fd file = open_fd(path, O_WRONLY | O_CREAT | O_EXCL, 0755);
        write_all(file.get(), launcher_program());
        ::fchmod(file.get(), 0755);
    }
    return open_fd(path, O_RDONLY);
}

/// The words that let the launcher, open as `launcher`, take the terminal (which may be empty) and
/// become the user before it becomes the command.
std::vector<std::string> launcher_words(const User& user, const StartInDoubt& doubt,
                                        const std::string& terminal, int launcher) {
    std::vector<std::string> words = {fmt::format("/proc/self/fd/{}", launcher),
                                      std::to_string(launcher), terminal};
    if (user.is_plain_root()) {
        words.insert(words.end(), {"", "", ""});
    } else {
        std::string groups;
        for (const gid_t group : user.groups) {
            groups += fmt::format("{}{}", groups.empty() ? "" : ",", group);
        }
        words.insert(words.end(), {std::to_string(user.uid), std::to_string(user.gid), groups});
    }
    words.insert(words.end(), {doubt.program, doubt.reason});
    return words;
}

/// So that the user may open /dev/stdout, which leads to the pipe itself.
void give_streams_to(const User& user, const CommandFds& fds) {
    for (const int fd : {fds.in.is_ours ? fds.in.fd : fds.out, fds.out, fds.err}) {
        if (::fchown(fd, user.uid, user.gid) != 0) {
            throw SysError(errno, "giving input and output to user {}", user.uid);
        }
    }
}

}  // namespace

std::vector<std::string> bwrap_arguments(const Spec& spec, const RootFacts& facts) {
    std::vector<std::string> args = {"--unshare-pid",
                                     "--unshare-ipc",
                                     "--unshare-uts",
                                     "--hostname",
                                     "mstage",
                                     "--die-with-parent",
                                     "--new-session",
                                     "--dev-bind",
                                     spec.root.mount_point.native(),
                                     "/",
                                     "--proc",
                                     "/proc"};
    for (const std::string& name : facts.read_only_proc_places) {
        const std::string path = "/proc/" + name;
        args.insert(args.end(), {"--ro-bind-try", path, path});
    }
    const auto add = [&](std::initializer_list<std::string> words) {
        args.insert(args.end(), words);
    };
    if (spec.network == Network::off) {
        add({"--unshare-net"});
    }
    add({"--chdir", spec.workdir, "--clearenv"});
    add({"--cap-drop", "ALL"});
    for (const char* capability : k_capabilities) {
        add({"--cap-add", capability});
    }
    for (const auto& [name, value] : spec.environment) {
        add({"--setenv", name, value});
    }
    if (!spec.environment.contains("HOME")) {
        add({"--setenv", "HOME", facts.user.home});
    }
    return args;
}

namespace {

constexpr std::string_view k_start_words = "{ \"bwrap-start-ns\": ";

/// The clock is the machine's: other processes read the same on it.
std::string start_line() {
    const std::chrono::nanoseconds now = std::chrono::steady_clock::now().time_since_epoch();
    return fmt::format("{}{} }}\n", k_start_words, now.count());
}

int run_bwrap(const Spec& spec, CommandFds fds) {
    // Ctrl-C goes to the terminal's process group; what to do about it is the parent's decision.
    ::setsid();
    const BwrapFile bwrap = find_bwrap(spec.ids.mode);
    // What the caller's shell has set must not show in a result that others get from the store.
    ::umask(022);
    RootFacts facts = prepare_root(spec);
    const auto doubt = check_start(spec);
    CommandTerminal terminal;
    if (fds.terminal != nullptr) {
        terminal = open_command_terminal(spec.root.mount_point, spec.stdin_fd);
        fds.in = {.fd = terminal.slave.get()};
        fds.out = fds.err = terminal.slave.get();
    }
    Fd null;
    if (fds.in.fd < 0) {
        // By the machine's own mount of it, a root who is the kernel's could change it.
        null = open_fd(spec.root.mount_point / "dev/null", fds.in.null_flags);
        fds.in.fd = null.get();
    }
    // bwrap looks its child up in /proc by the number that it has here, which is another process of
    // the machine's /proc, or none.
    show_own_processes();
    if (spec.ids.mode == IdMode::identity) {
        facts.read_only_proc_places = writable_proc_places("/proc");
    }
    const Fd arguments = arguments_file(bwrap_arguments(spec, facts));
    const Fd filter = make_seccomp_filter(spec.ids.mode);
    std::vector<std::string> argv = {"bwrap",
                                     "--args",
                                     std::to_string(arguments.get()),
                                     "--seccomp",
                                     std::to_string(filter.get()),
                                     "--json-status-fd",
                                     std::to_string(fds.status),
                                     "--"};
    std::vector<int> kept = {arguments.get(), filter.get(), fds.status};
    Fd launcher;
    if (!facts.user.is_plain_root() || doubt || terminal.slave) {
        launcher = launcher_file(spec.scratch);
        kept.push_back(launcher.get());
        const std::vector<std::string> words = launcher_words(
            facts.user, doubt.value_or(StartInDoubt{}), terminal.path, launcher.get());
        argv.insert(argv.end(), words.begin(), words.end());
    }
    if (!facts.user.is_plain_root()) {
        give_streams_to(facts.user, fds);
    }
    argv.insert(argv.end(), spec.argv.begin(), spec.argv.end());
    if (fds.terminal != nullptr) {
        fds.terminal->hand_over(terminal.master);
        terminal.master.close();
    }
    write_all(fds.status, start_line());
    const pid_t pid =
        start_child([&] { exec_bwrap(bwrap, argv, fds, kept, !spec.secrets.empty()); });
    return reap_all(pid);
}

}  // namespace

int supervise(const Spec& spec, const CommandFds& fds) {
    try {
        return run_bwrap(spec, fds);
    } catch (const CannotStart& error) {
        // As a shell has it: output and exit code of the command that could not be.
        std::string text = "mstage: error: " + escape_control(error.message()) + "\n";
        if (!error.hint().empty()) {
            text += "  " + escape_control(error.hint()) + "\n";
        }
        write_all(fds.err, text);
        write_all(fds.status, fmt::format("{{ \"exit-code\": {} }}\n", error.code()));
        return error.code();
    }
}

bool command_was_started(std::string_view status) {
    return status.find("\"exit-code\"") != std::string_view::npos;
}

std::optional<std::chrono::steady_clock::time_point> start_of_bwrap(std::string_view status) {
    if (!status.starts_with(k_start_words)) {
        return std::nullopt;
    }
    const std::string number(status.substr(k_start_words.size(), 20));
    return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(std::stoll(number)));
}

}  // namespace mstage::sandbox
