#pragma once

#include <fcntl.h>
#include <poll.h>

#include <memory>
#include <string_view>

#include "base/fd.hpp"

namespace mstage::sandbox {

/// What a command is to read.
struct CommandInput {
    int fd = -1;                ///< -1: the sandbox's own /dev/null
    int null_flags = O_RDONLY;  ///< how that one is opened
    bool is_ours = false;       ///< a pipe that nobody else has
};

/// The caller's stdin on its way to the command. A process that has a descriptor of a file can open
/// it once more by way of /proc, for writing, and change its mode; of a terminal it can change the
/// settings, and write to it past us. Files, FIFOs that have a name, devices and terminals are
/// therefore read here, and the command gets a pipe. Pipes and sockets, which nobody else can get at,
/// it gets as they are: so what it does not read is left to who comes next.
class Input {
public:
    /// `source` (-1: nothing to read) stays the caller's. Throws Error for a directory, by which one
    /// could leave the sandbox.
    explicit Input(int source);
    /// The caller's terminal `source`, which the command never gets: it is to be passed on to that of
    /// the command, see connect().
    static Input of_terminal(int source) { return Input(source, Terminal()); }
    Input(const Input&) = delete;
    Input& operator=(const Input&) = delete;
    /// To be called when the command has ended: what it has not read of a file is left there for who
    /// comes next.
    ~Input();

    CommandInput for_command() const noexcept { return m_for_command; }
    /// From now on what is typed goes there.
    void connect(Fd terminal);
    /// Whether the caller's terminal is no more.
    bool is_hung_up() const noexcept { return m_is_hung_up; }
    /// In the child: else the command would wait for an end that the child itself holds off.
    void leave_writing() noexcept { m_writer.close(); }

    /// Whether there may be something to pass on.
    bool is_open() const noexcept { return static_cast<bool>(m_writer); }
    /// What to wait for before the next pass_on().
    pollfd awaited() const noexcept;
    /// Whether it has to be looked at again now and then: the terminal is somebody else's at the
    /// moment, and to read from it would stop us.
    bool is_in_background() const noexcept;
    /// Some of it, without waiting for the command to read.
    void pass_on();

private:
    struct Terminal {};
    Input(int source, Terminal /*unused*/) : m_source(source), m_is_terminal(true) {}
    void read_some();

    int m_source;
    bool m_is_terminal = false;
    bool m_is_hung_up = false;
    CommandInput m_for_command;
    Fd m_reader;
    Fd m_writer;
    std::unique_ptr<char[]> m_buffer;
    std::string_view m_pending;  ///< of the buffer
};

}  // namespace mstage::sandbox
