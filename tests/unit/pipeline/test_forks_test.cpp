#include "pipeline/test_forks.hpp"

#include <unistd.h>

#include <csignal>

#include "base/end_signals.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "support.hpp"

namespace mstage::pipeline {
namespace {

namespace fs = std::filesystem;

class TestForks : public ::testing::Test {
protected:
    size_t files() const {
        return static_cast<size_t>(
            std::distance(fs::directory_iterator(m_dir.path()), fs::directory_iterator()));
    }
    /// In a fork: leaves a mark, and says how many have by then.
    size_t leave_mark() const {
        make_temporary_directory(m_dir.path(), "fork-");
        return files();
    }
    static engine::RunResult ended_with(int code) {
        engine::RunResult result{.run = engine::RunId::generate(), .outcome = {}, .log = "/x/log"};
        result.outcome.code = code;
        return result;
    }

    test::TempDir m_dir;
};

TEST_F(TestForks, RunAllAndTellHowEachEnded) {
    // One after the other, so each knows its number.
    const auto forks = run_forks(4, 1, [&]() -> engine::RunResult {
        switch (leave_mark()) {
            case 1: {
                engine::RunResult good = ended_with(0);
                good.outcome.usage = {.wall = std::chrono::milliseconds(5),
                                      .user = std::chrono::milliseconds(3),
                                      .system = std::chrono::milliseconds(2),
                                      .peak_memory = 4096};
                return good;
            }
            case 2: {
                engine::RunResult slow = ended_with(137);
                slow.outcome.timed_out = true;
                return slow;
            }
            case 3:
                throw with_hint(Error("it broke"), "mend it");
            default:
                return ended_with(3);
        }
    });
    ASSERT_EQ(forks.size(), 4U);
    for (size_t i = 0; i < forks.size(); ++i) {
        EXPECT_EQ(forks[i].number, i + 1);
    }
    EXPECT_TRUE(forks[0].ok());
    EXPECT_EQ(forks[0].result->log, "/x/log");
    EXPECT_EQ(forks[0].result->outcome.usage.wall, std::chrono::milliseconds(5));
    EXPECT_EQ(forks[0].result->outcome.usage.user, std::chrono::milliseconds(3));
    EXPECT_EQ(forks[0].result->outcome.usage.system, std::chrono::milliseconds(2));
    EXPECT_EQ(forks[0].result->outcome.usage.peak_memory, 4096U);
    EXPECT_FALSE(forks[1].ok());
    EXPECT_EQ(describe_end(forks[1]), "time-out");
    EXPECT_FALSE(forks[2].ok());
    EXPECT_EQ(describe_end(forks[2]), "not run");
    EXPECT_EQ(forks[2].breakdown, "it broke; mend it");
    EXPECT_EQ(describe_end(forks[3]), "exit code 3");
}

TEST_F(TestForks, TellOfSignals) {
    const auto by_signal = run_forks(1, 1, [] { return ended_with(128 + SIGSEGV); });
    EXPECT_EQ(describe_end(by_signal.at(0)), "signal 11 (Segmentation fault)");
    const auto killed = run_forks(2, 2, []() -> engine::RunResult {
        ::raise(SIGKILL);
        return ended_with(0);
    });
    EXPECT_EQ(killed.at(1).breakdown, "its process ended with signal 9 (Killed)");
}

TEST_F(TestForks, AreNoMoreAtOnceThanWanted) {
    const auto forks = run_forks(7, 3, [&] {
        const auto mine = make_temporary_directory(m_dir.path(), "fork-");
        size_t most = 0;
        for (int turn = 0; turn < 20; ++turn) {
            most = std::max(most, files());
            ::usleep(1000);
        }
        fs::remove(mine);
        return ended_with(most <= 3 ? 0 : 1);
    });
    EXPECT_EQ(forks.size(), 7U);
    for (const TestFork& fork : forks) {
        EXPECT_TRUE(fork.ok()) << fork.number;
    }
}

TEST_F(TestForks, AreAllUnavailableWhenOneIs) {
    EXPECT_THROW(
        run_forks(5, 2,
                  []() -> engine::RunResult { throw engine::Unavailable("no namespaces here"); }),
        engine::Unavailable);
}

TEST_F(TestForks, EndWithASignalThatEndsUs) {
    EXPECT_THROW(run_forks(2, 2,
                           [&]() -> engine::RunResult {
                               // Both may see two marks, and a second signal would be ours.
                               if (leave_mark() == 2 &&
                                   std::filesystem::create_directory(m_dir / "signal")) {
                                   ::kill(::getppid(), SIGTERM);
                               }
                               const EndSignals signals;
                               const Pipe silent = make_pipe();
                               signals.wait_readable(silent.reader.get());
                               return ended_with(0);
                           }),
                 Interrupted);
}

}  // namespace
}  // namespace mstage::pipeline
