#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

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

/// A program that we start and whose output we want: stdin is /dev/null, stdout is returned, stderr
/// goes where `stderr_fd` says (-1: is put into the error). Throws Error when the program is
/// missing (with `package_hint` as the remedy) or does not exit 0.
struct Command {
    std::vector<std::string> argv;
    std::string package_hint;
    int stderr_fd = -1;
};
std::string capture_output(const Command& command);

/// Starts `command` and lets `consume` read its stdout while it runs; then waits. When `consume`
/// throws, the program is ended first. For outputs that don't fit in memory.
void stream_output(const Command& command, const std::function<void(int stdout_fd)>& consume);

/// The absolute path of `program` on PATH, or nothing.
std::optional<std::string> find_program(const std::string& program);

/// In a child of fork(): restores default signal handling and unblocks everything. A handler or
/// mask of ours must not reach another program.
void reset_signals_for_child();

}  // namespace mstage
