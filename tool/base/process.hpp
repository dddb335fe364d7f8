#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/end_signals.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"

namespace mstage {

/// How a child ended. Exactly one of the two is set.
struct ExitState {
    std::optional<int> code;
    std::optional<int> signal;

    bool ok() const { return code == 0; }
    /// "exit code 3", "signal 9 (Killed)".
    std::string describe() const;
    /// As a shell says it: the code, or 128 + signal.
    int shell_code() const { return code ? *code : 128 + signal.value_or(0); }
};

ExitState exit_state_of(int wait_status);

/// Waits for `pid`, across EINTR.
ExitState wait_for(pid_t pid);

/// A program that we start and whose output we want: stdin is `stdin_fd` (-1: /dev/null), stdout is
/// returned, stderr goes where `stderr_fd` says (-1: is put into the error). It stands in
/// `directory` when there is one. Throws Error when the program is missing (with `package_hint` as
/// the remedy) or does not exit 0.
struct Command {
    std::vector<std::string> argv;
    std::string package_hint;
    int stderr_fd = -1;
    int stdin_fd = -1;
    std::filesystem::path directory{};
    /// For capture_output(): one of these ends the program, and Interrupted is thrown.
    const EndSignals* signals = nullptr;
};
std::string capture_output(const Command& command);

/// Starts `command` and lets `consume` read its stdout while it runs; then waits. When `consume`
/// throws, the program is ended first. For outputs that don't fit in memory.
void stream_output(const Command& command, const std::function<void(int stdout_fd)>& consume);

/// A program that runs beside us, for those who wait for more than its output. Destroying the
/// object kills it and waits for its end.
class Program {
public:
    explicit Program(Command command);
    Program(Program&& other) noexcept;
    Program& operator=(Program&&) = delete;
    ~Program();

    /// Our end of its stdout.
    int output() const noexcept { return m_output.get(); }
    /// Stops reading its output and waits for its end, which the caller judges.
    ExitState join();
    /// The same. Throws Error when it did not exit 0.
    void finish();
    /// For who can't make sense of the output, which mostly comes from a program that failed:
    /// throws what failed then. One that is not about to end is killed, and that is no failure.
    void give_up();
    /// SIGTERM, and a moment for it to tidy up. The destructor kills what does not end.
    void ask_to_end();

private:
    ExitState wait();
    Error failure(const ExitState& state) const;

    Command m_command;
    pid_t m_pid = -1;
    Fd m_output;
    Fd m_errors;
};

/// The absolute path of `program` on PATH, or nothing.
std::optional<std::string> find_program(const std::string& program);

/// In a child of fork(): restores default signal handling and unblocks everything. A handler or
/// mask of ours must not reach another program.
void reset_signals_for_child();

}  // namespace mstage
