#include "base/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mstage {

namespace {

std::vector<char*> exec_argv(const std::vector<std::string>& argv) {
    std::vector<char*> pointers;
    pointers.reserve(argv.size() + 1);
    for (const std::string& word : argv) {
        pointers.push_back(const_cast<char*>(word.c_str()));
    }
    pointers.push_back(nullptr);
    return pointers;
}

/// Directories are executable too, in access()'s eyes.
bool is_program(const std::string& path) {
    struct stat info {};
    return ::access(path.c_str(), X_OK) == 0 && ::stat(path.c_str(), &info) == 0 &&
           S_ISREG(info.st_mode);
}

/// In a child of `parent`: becomes the program.
[[noreturn]] void become(const std::string& path, const std::vector<char*>& argv,
                         const Command& command, pid_t parent, int output, int errors) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
        ::_exit(127);
    }
    reset_signals_for_child();
    const int input = command.stdin_fd < 0 ? ::open("/dev/null", O_RDONLY) : command.stdin_fd;
    ::dup2(input, 0);
    ::dup2(output, 1);
    ::dup2(command.stderr_fd < 0 ? errors : command.stderr_fd, 2);
    if (command.directory.empty() || ::chdir(command.directory.c_str()) == 0) {
        ::execv(path.c_str(), argv.data());
    }
    ::_exit(127);
}

/// Whether the child has ended or does so within a second.
bool ends_soon(pid_t pid) {
    const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    pollfd end{pidfd.get(), POLLIN, 0};
    return ::poll(&end, 1, 1000) > 0;
}

}  // namespace

std::string ExitState::describe() const {
    if (code) {
        return fmt::format("exit code {}", *code);
    }
    return fmt::format("signal {} ({})", signal.value_or(0), ::strsignal(signal.value_or(0)));
}

ExitState exit_state_of(int wait_status) {
    if (WIFSIGNALED(wait_status)) {
        return {std::nullopt, WTERMSIG(wait_status)};
    }
    return {WEXITSTATUS(wait_status), std::nullopt};
}

ExitState wait_for(pid_t pid) {
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            throw SysError(errno, "waiting for process {}", pid);
        }
    }
    return exit_state_of(status);
}

Program::Program(Command command) : m_command(std::move(command)) {
    const auto path = find_program(m_command.argv.front());
    if (!path) {
        throw with_hint(Error("program '{}' was not found", m_command.argv.front()),
                        m_command.package_hint);
    }
    Pipe output = make_pipe();
    // A file, not a pipe: nobody reads it before the end, and a full pipe would stop the program.
    m_errors = Fd(::memfd_create("stderr", MFD_CLOEXEC));
    const std::vector<char*> argv = exec_argv(m_command.argv);
    const pid_t parent = ::getpid();
    m_pid = ::fork();
    if (m_pid < 0) {
        throw SysError(errno, "starting '{}'", *path);
    }
    if (m_pid == 0) {
        become(*path, argv, m_command, parent, output.writer.get(), m_errors.get());
    }
    m_output = std::move(output.reader);
}

Program::Program(Program&& other) noexcept
    : m_command(std::move(other.m_command)),
      m_pid(std::exchange(other.m_pid, -1)),
      m_output(std::move(other.m_output)),
      m_errors(std::move(other.m_errors)) {}

Program::~Program() {
    if (m_pid > 0) {
        ::kill(m_pid, SIGKILL);
        try {
            wait();
        } catch (const Error&) {
            // Nothing is left to wait for.
        }
    }
}

ExitState Program::wait() {
    return wait_for(std::exchange(m_pid, -1));
}

Error Program::failure(const ExitState& state) const {
    ::lseek(m_errors.get(), 0, SEEK_SET);
    const std::string detail = escape_control(last_lines(read_all(m_errors.get()), 15));
    return Error("'{}' failed with {}{}{}", m_command.argv.front(), state.describe(),
                 detail.empty() ? "" : ":\n", detail);
}

ExitState Program::join() {
    m_output.close();
    return wait();
}

void Program::finish() {
    const ExitState state = join();
    if (!state.ok()) {
        throw failure(state);
    }
}

void Program::ask_to_end() {
    ::kill(m_pid, SIGTERM);
    ends_soon(m_pid);
}

void Program::give_up() {
    // One that still writes is not done, and its failure would only be the closed pipe.
    if (!ends_soon(m_pid)) {
        ::kill(m_pid, SIGKILL);
    }
    const ExitState state = wait();
    if (state.code.value_or(0) != 0) {
        throw failure(state);
    }
}

void stream_output(const Command& command, const std::function<void(int)>& consume) {
    Program program(command);
    try {
        consume(program.output());
    } catch (const Interrupted&) {
        // How it ends now says nothing.
        program.ask_to_end();
        throw;
    } catch (...) {
        program.give_up();
        throw;
    }
    program.finish();
}

namespace {

std::string read_all(int fd, const EndSignals& signals) {
    std::string data;
    std::string piece(k_piece_size, '\0');
    while (true) {
        signals.wait_readable(fd);
        const size_t count = read_some(fd, piece);
        if (count == 0) {
            return data;
        }
        data.append(piece, 0, count);
    }
}

}  // namespace

std::string capture_output(const Command& command) {
    std::string output;
    stream_output(command, [&](int fd) {
        if (command.signals == nullptr) {
            output = mstage::read_all(fd);
        } else {
            output = read_all(fd, *command.signals);
        }
    });
    return output;
}

std::optional<std::string> find_program(const std::string& program) {
    if (program.find('/') != std::string::npos) {
        return is_program(program) ? std::optional(program) : std::nullopt;
    }
    const char* path = std::getenv("PATH");
    for (const std::string& dir : split(path != nullptr ? path : "/usr/bin:/bin", ':')) {
        const std::string candidate = fmt::format("{}/{}", dir, program);
        if (!dir.empty() && is_program(candidate)) {
            return candidate;
        }
    }
    return std::nullopt;
}

void reset_signals_for_child() {
    for (int number = 1; number < NSIG; ++number) {
        if (number != SIGKILL && number != SIGSTOP) {
            ::signal(number, SIG_DFL);
        }
    }
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace mstage
