#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/fd.hpp"
#include "sandbox/input.hpp"
#include "sandbox/sandbox.hpp"
#include "sandbox/terminal.hpp"

namespace mstage::sandbox {

struct CommandFds {
    CommandInput in;
    int out;
    int err;
    int status;  ///< bwrap writes JSON about itself there, and we when it starts
    /// Takes the command's terminal, which it then has instead of the first three.
    const TerminalLink* terminal = nullptr;
};

/// What process 1 of the sandbox does: mounts the root, starts bwrap on it, reaps, and returns the
/// exit code when bwrap has ended. What is still running then dies with it.
int supervise(const Spec& spec, const CommandFds& fds);

/// Whether bwrap got as far as starting the command, by what it wrote to `status`.
bool command_was_started(std::string_view status);

/// When bwrap was started; nothing when it did not come to that.
std::optional<std::chrono::steady_clock::time_point> start_of_bwrap(std::string_view status);

}  // namespace mstage::sandbox
