#pragma once

#include <poll.h>
#include <termios.h>

#include <csignal>
#include <filesystem>
#include <optional>
#include <string>

#include "base/fd.hpp"

namespace mstage::sandbox {

/// A terminal for a command, made by the sandbox's own devpts: it has a name in there, and nobody in
/// there can reach a terminal of the machine's by it.
struct CommandTerminal {
    Fd master;
    Fd slave;
    std::string path;  ///< as the command calls it: "/dev/pts/0"
};

/// In the child, with /dev of the root mounted: makes one with the size and the settings of the
/// terminal `like`.
CommandTerminal open_command_terminal(const std::filesystem::path& root, int like);

/// The caller's terminal, tied to the command's. Two processes see it: the child makes the command's
/// terminal and hands its master over, then the parent passes on what happens to the caller's.
///
///     TerminalLink link(fd);
///     …fork…
///     child:   link.hand_over(master)
///     parent:  link.leave_to_child(); poll link.awaited() and call link.look()
///
/// From the arrival of the master on the caller's terminal is raw: keys such as Ctrl-C are for who is
/// inside. The destructor puts it back.
class TerminalLink {
public:
    explicit TerminalLink(int terminal);
    TerminalLink(const TerminalLink&) = delete;
    TerminalLink& operator=(const TerminalLink&) = delete;
    ~TerminalLink();

    void hand_over(const Fd& master) const;
    void leave_to_child() noexcept { m_child_end.close(); }

    /// What to wait for before the next look().
    pollfd awaited() const noexcept;
    /// The master, once, when it has come. Later calls pass on new window sizes.
    std::optional<Fd> look();

private:
    void make_raw() const;
    void pass_size_on() const;

    int m_terminal;
    Fd m_parent_end;
    Fd m_child_end;
    Fd m_master;
    Fd m_changes;  ///< SIGWINCH, and SIGCONT: who stopped us has put the terminal back
    sigset_t m_previous_mask{};
    termios m_settings{};
};

}  // namespace mstage::sandbox
