#include "sandbox/sandbox.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/end_signals.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "sandbox/bwrap.hpp"
#include "sandbox/input.hpp"
#include "sandbox/submounts.hpp"
#include "sandbox/terminal.hpp"
#include "sandbox/user_namespace.hpp"

namespace mstage::sandbox {

namespace {

using Clock = std::chrono::steady_clock;

struct StorageIo {
    std::uint64_t read = 0;
    std::uint64_t written = 0;
};

/// Of this process and of all children that it has waited for, and theirs.
StorageIo storage_io() {
    StorageIo io;
    for (const std::string& line : split(read_file_if_exists("/proc/self/io").value_or(""), '\n')) {
        if (line.starts_with("read_bytes: ")) {
            io.read = std::stoull(line.substr(12));
        } else if (line.starts_with("write_bytes: ")) {
            io.written = std::stoull(line.substr(13));
        }
    }
    return io;
}

std::chrono::nanoseconds to_nanoseconds(const timeval& time) {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

/// One of the command's output streams on its way to the sink.
struct OutputPipe {
    Stream stream;
    Fd reader;

    /// All that is there now, but no more than a pipe can hold: a command that writes as fast as we
    /// read must not keep us from its time-out. False at its end.
    bool drain(const OutputSink& sink) const {
        char buffer[65536];
        for (int turn = 0; turn < k_turns; ++turn) {
            const ssize_t count = ::read(reader.get(), buffer, sizeof buffer);
            if (count > 0) {
                sink(stream, {buffer, static_cast<size_t>(count)});
            } else if (count == 0) {
                return false;
            } else if (errno == EAGAIN) {
                return true;
            } else if (errno == EIO) {
                return false;  // nobody has the command's terminal any more
            } else if (errno != EINTR) {
                throw SysError(errno, "reading the command's output");
            }
        }
        return true;
    }

    static constexpr int k_turns =
        32;  // 2 MiB; without privileges a pipe can be made to hold 1 MiB
};

/// Until the child ends: passes its input and its output on and ends it when it is time.
class Watch {
public:
    Watch(NamespaceChild& child, const EndSignals& signals, const Spec& spec)
        : m_child(child), m_signals(signals) {
        if (spec.timeout.count() > 0) {
            m_deadline = Clock::now() + spec.timeout;
        }
    }

    void until_end(Input& input, TerminalLink* terminal, std::vector<OutputPipe>& outputs,
                   const OutputSink& sink, Outcome& outcome) {
        while (true) {
            std::vector<pollfd> fds = {
                {m_child.pidfd(), POLLIN, 0},
                {m_signals.fd(), POLLIN, 0},
                terminal != nullptr ? terminal->awaited() : pollfd{-1, 0, 0}};
            for (const OutputPipe& output : outputs) {
                fds.push_back({output.reader.get(), POLLIN, 0});
            }
            const bool has_input = input.is_open();
            if (has_input) {
                fds.push_back(input.awaited());
            }
            const int left = milliseconds_left(outcome);
            const bool looks_again = has_input && input.is_in_background();
            const int timeout = looks_again ? sooner(left, k_between_looks) : left;
            const int ready = ::poll(fds.data(), fds.size(), timeout);
            if (ready < 0 && errno != EINTR) {
                throw SysError(errno, "waiting for the command");
            }
            if (ready == 0 && timeout == left) {
                outcome.timed_out = true;
                m_child.kill();
            }
            if (has_input && fds.back().revents != 0) {
                input.pass_on();
            }
            if (fds[2].revents != 0) {
                connect(*terminal, input, outputs);
            }
            std::erase_if(outputs, [&](const OutputPipe& output) { return !output.drain(sink); });
            if (const auto signal = input.is_hung_up() ? std::optional(SIGHUP) : m_signals.take()) {
                outcome.interrupted_by = signal;
                m_child.kill();
            }
            // All that could write is gone by now, so what was drained above may lack a last piece,
            // but no more.
            if ((fds[0].revents & POLLIN) != 0) {
                std::erase_if(outputs,
                              [&](const OutputPipe& output) { return !output.drain(sink); });
                return;
            }
        }
    }

private:
    // Nobody tells when a terminal becomes ours again.
    static constexpr int k_between_looks = 500;

    /// Of two times for poll(), where -1 is never.
    static int sooner(int left, int right) { return left < 0 ? right : std::min(left, right); }

    /// What the terminal has to tell; at first, that the command's is there.
    static void connect(TerminalLink& terminal, Input& input, std::vector<OutputPipe>& outputs) {
        if (std::optional<Fd> master = terminal.look()) {
            input.connect(Fd(::fcntl(master->get(), F_DUPFD_CLOEXEC, 3)));
            outputs.push_back({Stream::out, std::move(*master)});
        }
    }

    int milliseconds_left(const Outcome& outcome) const {
        if (!m_deadline || outcome.timed_out) {
            return -1;
        }
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(*m_deadline - Clock::now()).count();
        return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000'000));
    }

    NamespaceChild& m_child;
    const EndSignals& m_signals;
    std::optional<Clock::time_point> m_deadline;
};

void set_non_blocking(int fd) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

Usage usage_of(const rusage& usage, Clock::time_point started, const StorageIo& before) {
    const StorageIo after = storage_io();
    return {.wall = Clock::now() - started,
            .user = to_nanoseconds(usage.ru_utime),
            .system = to_nanoseconds(usage.ru_stime),
            .peak_memory = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024,
            .read_bytes = after.read - before.read,
            .written_bytes = after.written - before.written};
}

}  // namespace

Outcome run(const Spec& spec, Streams streams, const OutputSink& sink) {
    const EndSignals signals;
    const StorageIo before = storage_io();
    const auto started = Clock::now();
    std::optional<TerminalLink> terminal;
    if (streams == Streams::terminal) {
        terminal.emplace(spec.stdin_fd);
    }
    Input input = terminal ? Input::of_terminal(spec.stdin_fd) : Input(spec.stdin_fd);
    Pipe out = make_pipe();
    Pipe err = streams == Streams::separate ? make_pipe() : Pipe{};
    Pipe status = make_pipe();
    const CommandFds fds = {input.for_command(), out.writer.get(),
                            err.writer ? err.writer.get() : out.writer.get(), status.writer.get(),
                            terminal ? &*terminal : nullptr};
    std::optional<NamespaceChild> supervisor;
    {
        const HiddenSubmounts hidden(spec.root.bare);
        supervisor.emplace(spec.ids, NamespaceChild::Processes::own, [&] {
            input.leave_writing();
            return supervise(spec, fds);
        });
    }
    NamespaceChild& child = *supervisor;
    out.writer.close();
    err.writer.close();
    status.writer.close();
    if (terminal) {
        terminal->leave_to_child();
    }

    std::vector<OutputPipe> outputs;
    outputs.push_back({Stream::out, std::move(out.reader)});
    if (err.reader) {
        outputs.push_back({Stream::err, std::move(err.reader)});
    }
    for (const OutputPipe& output : outputs) {
        set_non_blocking(output.reader.get());
    }
    Outcome outcome;
    constexpr size_t k_tail_size = 4096;
    std::string output_tail;  // of bwrap's own complaint, should there be no command
    const OutputSink tee = [&](Stream stream, std::string_view data) {
        // It may come in several pieces.
        output_tail.append(data.substr(data.size() - std::min(data.size(), k_tail_size)));
        output_tail.erase(0, output_tail.size() - std::min(output_tail.size(), k_tail_size));
        sink(stream, data);
    };
    Watch(child, signals, spec)
        .until_end(input, terminal ? &*terminal : nullptr, outputs, tee, outcome);
    terminal.reset();
    const NamespaceChild::End end = child.wait();
    while (signals.take()) {
        // A terminal that is hung up says so in two ways; the second is not to end us half-done.
    }
    outcome.code = end.state.shell_code();
    outcome.usage = usage_of(end.usage, started, before);
    const std::string told = read_all(status.reader.get());
    const auto bwrap_started = start_of_bwrap(told);
    outcome.usage.setup = bwrap_started ? *bwrap_started - started : outcome.usage.wall;
    const bool ended_by_us = outcome.timed_out || outcome.interrupted_by;
    if (!ended_by_us && !command_was_started(told)) {
        throw Error("starting the sandbox: bwrap ended with {}: {}", end.state.describe(),
                    escape_control(last_lines(output_tail, 3)));
    }
    return outcome;
}

}  // namespace mstage::sandbox
