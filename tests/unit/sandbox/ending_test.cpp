// How commands end, and that nothing outlives them.

#include <sys/wait.h>

#include "sandbox_fixture.hpp"

namespace mstage::sandbox {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class EndingTest : public SandboxTest {
protected:
    bool runs() const { return fs::exists(upper() / "root/alive"); }
    /// Whether somebody in the sandbox keeps the file growing.
    bool is_alive() const {
        const auto before = fs::file_size(upper() / "root/alive");
        std::this_thread::sleep_for(150ms);
        return fs::file_size(upper() / "root/alive") != before;
    }
    static constexpr const char* k_tick = "while :; do printf x >> /root/alive; sleep 0.01; done";
};

TEST_F(EndingTest, TimeOutEndsTheCommandPromptly) {
    Spec spec = shell("sleep 1000");
    spec.timeout = 200ms;
    const auto started = Clock::now();
    const Ran ran = run_spec(spec);
    EXPECT_LT(Clock::now() - started, 60s);
    EXPECT_TRUE(ran.outcome.timed_out);
    EXPECT_FALSE(ran.outcome.ok());
    EXPECT_GE(ran.outcome.usage.wall, 200ms);
}

TEST_F(EndingTest, TimeOutDoesNotTouchAQuickCommand) {
    Spec spec = shell("exit 4");
    spec.timeout = 1h;
    const Ran ran = run_spec(spec);
    EXPECT_FALSE(ran.outcome.timed_out);
    EXPECT_EQ(ran.outcome.code, 4);
}

TEST_F(EndingTest, TimeOutEndsACommandThatNeverStopsTalking) {
    Spec spec = shell("yes & yes & yes & yes & exec dd if=/dev/zero bs=1M");
    spec.timeout = 2s;
    std::uint64_t bytes = 0;
    const auto started = Clock::now();
    const Outcome outcome = run(spec, Streams::merged, [&](Stream, std::string_view data) {
        bytes += data.size();
        if (Clock::now() - started > 60s) {
            throw Error("the time-out is not noticed");
        }
    });
    EXPECT_TRUE(outcome.timed_out);
    EXPECT_GT(bytes, 0U);
}

TEST_F(EndingTest, TimeOutEndsDaemonsToo) {
    Spec spec = shell(
        "/bin/mstage_sandbox_probe daemon; setsid sh -c 'trap \"\" TERM HUP; sleep 1000' & sleep "
        "1000");
    spec.timeout = 3s;
    EXPECT_TRUE(run_spec(spec).outcome.timed_out);
    ASSERT_TRUE(runs());
    EXPECT_FALSE(is_alive());
}

TEST_F(EndingTest, DaemonsEndWithTheCommand) {
    const auto started = Clock::now();
    const Ran ran = run_spec(shell(
        "/bin/mstage_sandbox_probe daemon; while ! test -e /root/alive; do sleep 0.01; done"));
    EXPECT_TRUE(ran.outcome.ok());
    EXPECT_LT(Clock::now() - started, 60s);
    ASSERT_TRUE(runs());
    EXPECT_FALSE(is_alive());
}

TEST_F(EndingTest, OutputThatADaemonHoldsOpenIsNotWaitedFor) {
    const auto started = Clock::now();
    const Ran ran = run_spec(shell("sleep 1000 & echo said"));
    EXPECT_TRUE(ran.outcome.ok());
    EXPECT_EQ(ran.out, "said\n");
    EXPECT_LT(Clock::now() - started, 60s);
}

TEST_F(EndingTest, SignalEndsTheCommandAndIsReported) {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
        const Spec spec = shell(k_tick);
        test::Process runner([&] {
            const Ran ran = run_spec(spec);
            return ran.outcome.interrupted_by.value_or(0);
        });
        ASSERT_TRUE(test::eventually([&] { return runs(); }));
        runner.kill(signal);
        EXPECT_EQ(runner.wait().code, signal);
        EXPECT_FALSE(is_alive());
    }
}

TEST_F(EndingTest, SignalsWorkAsBeforeAfterARun) {
    test::Process runner([&] {
        run_spec(shell("true"));
        ::raise(SIGTERM);
        return 0;
    });
    EXPECT_EQ(runner.wait().signal, SIGTERM);
}

TEST_F(EndingTest, KillingTheRunnerEndsEverything) {
    const Spec spec = shell("/bin/mstage_sandbox_probe daemon; sleep 1000");
    test::Process runner([&] {
        run_spec(spec);
        return 0;
    });
    ASSERT_TRUE(test::eventually([&] { return runs(); }));
    EXPECT_TRUE(is_alive());
    runner.kill(SIGKILL);
    EXPECT_EQ(runner.wait().signal, SIGKILL);
    EXPECT_TRUE(test::eventually([&] { return !is_alive(); }, 10s));
}

TEST_F(EndingTest, CommandCannotEndItsRunner) {
    // In its namespaces there is nobody else to end.
    const Ran ran = run_spec(shell("kill -9 -1 2>/dev/null; echo survived"));
    EXPECT_EQ(ran.out, "survived\n");
    EXPECT_TRUE(ran.outcome.ok());
}

TEST_F(EndingTest, LeavesNoChildrenToTheCaller) {
    run_spec(shell("sleep 1000 & true"));
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
}

TEST_F(EndingTest, LeavesNoDescriptorsOpen) {
    const auto count = [] { return std::distance(fs::directory_iterator("/proc/self/fd"), {}); };
    run_spec(shell("true"));
    const auto before = count();
    run_spec(shell("true"), Streams::separate);
    run_spec(spec_of({"/bin/none"}));
    Spec impossible = shell("true");
    impossible.root.overlays.front().lowers = {m_dir / "none"};
    test::error_of([&] { run_spec(impossible); });
    EXPECT_EQ(count(), before);
}

}  // namespace
}  // namespace mstage::sandbox
