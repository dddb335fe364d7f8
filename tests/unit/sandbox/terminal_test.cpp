// A command with a terminal of its own, tied to the caller's: here a pair of the test's.

#include "sandbox/terminal.hpp"

#include <fcntl.h>
#include <pty.h>
#include <sys/ioctl.h>

#include <algorithm>

#include "sandbox_fixture.hpp"

namespace mstage::sandbox {
namespace {

using test::contains;

class TerminalTest : public SandboxModesTest {
protected:
    TerminalTest() {
        int master = -1;
        int slave = -1;
        const winsize size{.ws_row = 33, .ws_col = 77, .ws_xpixel = 0, .ws_ypixel = 0};
        if (::openpty(&master, &slave, nullptr, nullptr, &size) != 0) {
            throw SysError(errno, "opening a terminal");
        }
        m_master = Fd(master);
        m_terminal = Fd(slave);
        ::fcntl(master, F_SETFD, FD_CLOEXEC);
        ::fcntl(slave, F_SETFD, FD_CLOEXEC);
    }

    /// Runs it; `on_output` is called whenever there is some.
    Ran run_here(Spec spec, const std::function<void(const std::string&)>& on_output = {}) {
        spec.stdin_fd = m_terminal.get();
        spec.scratch = m_dir / fmt::format("runs/{}/scratch", m_count);
        Ran ran;
        ran.outcome = run(spec, Streams::terminal, [&](Stream /*unused*/, std::string_view data) {
            ran.out += data;
            if (on_output) {
                on_output(ran.out);
            }
        });
        return ran;
    }
    void type(std::string_view keys) const { write_all(m_master.get(), keys); }
    bool is_raw() const {
        termios settings{};
        ::tcgetattr(m_terminal.get(), &settings);
        return (settings.c_lflag & (ICANON | ISIG | ECHO)) == 0;
    }

    Fd m_master;
    Fd m_terminal;
};
INSTANTIATE_TEST_SUITE_P(Modes, TerminalTest, ::testing::ValuesIn(possible_id_maps()),
                         name_of_mode);

TEST_P(TerminalTest, IsTheCommandsOwn) {
    const Ran ran = run_here(
        shell("[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && readlink /proc/self/fd/0; echo x >/dev/tty; ls "
              "/dev/pts; exit 4"));
    EXPECT_EQ(ran.outcome.code, 4);
    EXPECT_EQ(ran.out, "/dev/pts/0\r\nx\r\n0  ptmx\r\n");
}

TEST_P(TerminalTest, IsRawOutsideUntilTheEnd) {
    EXPECT_FALSE(is_raw());
    bool was_raw = false;
    run_here(shell("echo begun"), [&](const std::string&) { was_raw = is_raw(); });
    EXPECT_TRUE(was_raw);
    EXPECT_FALSE(is_raw());
}

TEST_P(TerminalTest, IsPutBackAfterAnError) {
    EXPECT_THROW(run_here(shell("echo begun; sleep 1000"),
                          [](const std::string&) { throw Error("the sink's"); }),
                 Error);
    EXPECT_FALSE(is_raw());
}

TEST_P(TerminalTest, PassesOnWhatIsTyped) {
    type("typed before\r");
    const Ran ran =
        run_here(shell("read -r a; read -r b; echo; echo \"$a, $b\""), [&](const std::string& out) {
            if (contains(out, "typed before\r\n") && !contains(out, "later")) {
                type("typed later\r");
            }
        });
    EXPECT_TRUE(contains(ran.out, "typed before, typed later\r\n")) << ran.out;
}

TEST_P(TerminalTest, InterruptsTheCommandAndNotUs) {
    bool typed = false;
    const Ran ran = run_here(shell("trap 'echo caught; exit 5' INT; echo ready; while :; do sleep "
                                   "0.05; done"),
                             [&](const std::string& out) {
                                 if (contains(out, "ready") && !typed) {
                                     typed = true;
                                     type("\x03");
                                 }
                             });
    EXPECT_EQ(ran.outcome.code, 5);
    EXPECT_FALSE(ran.outcome.interrupted_by);
    EXPECT_TRUE(contains(ran.out, "caught"));
}

TEST_P(TerminalTest, HasTheSizeOfOurs) {
    bool resized = false;
    const Ran ran = run_here(
        shell("size() { /bin/mstage_sandbox_probe size; }; size; trap 'size; "
              "exit' WINCH; echo ready; while :; do sleep 0.05; done"),
        [&](const std::string& out) {
            if (contains(out, "ready") && !resized) {
                resized = true;
                const winsize size{.ws_row = 12, .ws_col = 99, .ws_xpixel = 0, .ws_ypixel = 0};
                ::ioctl(m_master.get(), TIOCSWINSZ, &size);
                // It is not the one that controls the test.
                ::kill(::getpid(), SIGWINCH);
            }
        });
    EXPECT_EQ(ran.out, "33 x 77\r\nready\r\n12 x 99\r\n");
}

TEST_P(TerminalTest, CannotBeTypedIntoFromInside) {
    const Ran ran = run_here(probe("type"));
    EXPECT_EQ(ran.out, "EPERM\r\n");
}

TEST_P(TerminalTest, LosesNothingOfALongOutput) {
    const Ran ran =
        run_here(shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; "
                       "printf end"));
    EXPECT_EQ(std::ranges::count(ran.out, '\n'), 20000);
    EXPECT_TRUE(ran.out.ends_with("line 19999\r\nend"));
}

TEST_P(TerminalTest, SaysWhyThereIsNoSuchCommand) {
    const Ran ran = run_here(spec_of({"/bin/frobnicate"}));
    EXPECT_EQ(ran.outcome.code, 127);
    EXPECT_TRUE(contains(ran.out, "the image has no program '/bin/frobnicate'")) << ran.out;
    EXPECT_FALSE(is_raw());
}

TEST_P(TerminalTest, BelongsToTheCommandsUser) {
    if (m_ids.mode == IdMode::single) {
        GTEST_SKIP() << "there is only one";
    }
    Spec spec = shell("id -u; echo x >/dev/tty && [ -O /dev/pts/0 ] && echo mine");
    spec.user = "7:7";
    const Ran ran = run_here(spec);
    EXPECT_EQ(ran.out, "7\r\nx\r\nmine\r\n");
}

}  // namespace
}  // namespace mstage::sandbox
