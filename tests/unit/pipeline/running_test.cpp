#include "pipeline/running.hpp"

#include "pipeline/history.hpp"
#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

using std::chrono::milliseconds;

class RunningTest : public ::testing::Test {
protected:
    void add_run(HistoryEvent event, double duration_s) {
        append_history(
            m_plan, {{.checkpoint = "build-complete", .event = event, .duration_s = duration_s}});
    }

    test::TempDir m_dir;
    Plan m_plan = make_plan(plan_json(m_dir / "build"));
};

TEST_F(RunningTest, IsSeenForAsLongAsTheMarkLives) {
    EXPECT_FALSE(read_running(m_plan, "build-complete"));
    {
        RunningMark mark(m_plan, "build-complete");
        auto running = read_running(m_plan, "build-complete");
        ASSERT_TRUE(running);
        EXPECT_EQ(running->checkpoint, "build-complete");
        EXPECT_FALSE(running->run);
        EXPECT_EQ(running->log, "");
        EXPECT_FALSE(running->expected);
        const auto run = engine::RunId::generate();
        mark.set_run(run, "/store/runs/x/output.log");
        running = read_running(m_plan, "build-complete");
        ASSERT_TRUE(running);
        EXPECT_EQ(running->run, run);
        EXPECT_EQ(running->log, "/store/runs/x/output.log");
        EXPECT_LT(std::chrono::system_clock::now() - running->started, std::chrono::minutes(1));
        EXPECT_FALSE(read_running(m_plan, "deps-installed"));
    }
    EXPECT_FALSE(read_running(m_plan, "build-complete"));
    EXPECT_FALSE(std::filesystem::exists(m_plan.running_path("build-complete")));
}

TEST_F(RunningTest, IsNotWhatAKilledOneLeft) {
    const auto path = m_plan.running_path("build-complete");
    {
        const RunningMark mark(m_plan, "build-complete");
        std::filesystem::copy_file(path, m_dir / "left");
    }
    std::filesystem::copy_file(m_dir / "left", path);
    EXPECT_FALSE(read_running(m_plan, "build-complete"));
    // A shorter text over a longer one is whole too.
    write_file_atomically(path, std::string(5000, ' '));
    const RunningMark mark(m_plan, "build-complete");
    EXPECT_TRUE(read_running(m_plan, "build-complete"));
}

TEST_F(RunningTest, IsTheFirstOfTwo) {
    const RunningMark first(m_plan, "build-complete");
    const auto started = read_running(m_plan, "build-complete").value().started;
    { const RunningMark second(m_plan, "build-complete"); }
    ASSERT_TRUE(read_running(m_plan, "build-complete"));
    EXPECT_EQ(read_running(m_plan, "build-complete")->started, started);
}

TEST_F(RunningTest, IsExpectedToTakeWhatItMostlyTook) {
    EXPECT_FALSE(usual_duration(m_plan, "build-complete"));
    add_run(HistoryEvent::failed, 100);
    EXPECT_FALSE(usual_duration(m_plan, "build-complete"));
    for (const double duration : {900.0, 1.0, 2.0, 3.0}) {
        add_run(HistoryEvent::ran, duration);
    }
    EXPECT_EQ(usual_duration(m_plan, "build-complete"), milliseconds(3000));
    EXPECT_FALSE(usual_duration(m_plan, "deps-installed"));
    // What was long ago does not count.
    for (int i = 0; i < 9; ++i) {
        add_run(HistoryEvent::ran, 40);
    }
    EXPECT_EQ(usual_duration(m_plan, "build-complete"), milliseconds(40'000));
    const RunningMark mark(m_plan, "build-complete");
    EXPECT_EQ(read_running(m_plan, "build-complete").value().expected, milliseconds(40'000));
}

TEST_F(RunningTest, LastLineOfALog) {
    const auto last_line = [&](const std::string& text) {
        write_file_atomically(m_dir / "log", text);
        return last_line_of(m_dir / "log");
    };
    EXPECT_EQ(last_line(""), "");
    EXPECT_EQ(last_line("one\ntwo\n"), "two");
    EXPECT_EQ(last_line("one\ntwo\n\n  \n"), "two");
    EXPECT_EQ(last_line("one\ntw"), "tw");
    EXPECT_EQ(last_line(" 10 %\r 20 %\r 30 %"), " 30 %");
    EXPECT_EQ(last_line("\x1b[2Ja\tb"), "\\x1b[2Ja b");
    EXPECT_EQ(last_line_of(m_dir / "none"), "");
}

}  // namespace
}  // namespace mstage::pipeline
