#include "pipeline/build_watcher.hpp"

#include <poll.h>

#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

class BuildWatcherTest : public ::testing::Test {
protected:
    std::vector<std::string> told(BuildWatcher& watcher) {
        std::vector<std::string> lines;
        for (const BuildWatcher::Event& event : watcher.look().events) {
            lines.push_back(event.full_name + ": " + describe(event));
        }
        return lines;
    }
    void add(HistoryEvent event, std::optional<engine::RunId> run = {}) {
        append_history(m_plan, {{.checkpoint = "build-complete",
                                 .event = event,
                                 .run = std::move(run),
                                 .duration_s = 2.0}});
    }
    static bool has_changed(const BuildWatcher& watcher) {
        pollfd fd{watcher.fd(), POLLIN, 0};
        return ::poll(&fd, 1, 0) > 0;
    }
    using Lines = std::vector<std::string>;

    test::TempDir m_dir;
    Plan m_plan = make_plan(plan_json(m_dir / "build"));
    BuildTree m_tree = BuildTree::find(m_dir / "build").value();
};

TEST_F(BuildWatcherTest, TellsWhatHappensFromThenOn) {
    add(HistoryEvent::ran);
    BuildWatcher watcher(m_tree);
    EXPECT_EQ(told(watcher), Lines{});
    EXPECT_FALSE(has_changed(watcher));
    add(HistoryEvent::failed);
    EXPECT_TRUE(has_changed(watcher));
    watcher.forget_changes();
    EXPECT_FALSE(has_changed(watcher));
    add(HistoryEvent::ran);
    EXPECT_EQ(told(watcher), (Lines{"app.build-complete: failed after 2.0 s",
                                    "app.build-complete: ran in 2.0 s"}));
    EXPECT_EQ(told(watcher), Lines{});
}

TEST_F(BuildWatcherTest, TellsAnEndOnce) {
    BuildWatcher watcher(m_tree);
    const auto run = engine::RunId::generate();
    std::optional<RunningMark> mark(std::in_place, m_plan, "build-complete");
    mark->set_run(run, "/log");
    EXPECT_TRUE(has_changed(watcher));
    const auto look = watcher.look();
    ASSERT_EQ(look.running.size(), 1U);
    EXPECT_EQ(look.running[0].full_name, "app.build-complete");
    // Seen between the entry and the end of the mark.
    add(HistoryEvent::ran, run);
    EXPECT_EQ(told(watcher), Lines{"app.build-complete: ran in 2.0 s"});
    EXPECT_EQ(told(watcher), Lines{});
    mark.reset();
    EXPECT_EQ(told(watcher), Lines{});
    EXPECT_TRUE(watcher.look().running.empty());
}

TEST_F(BuildWatcherTest, TellsOfOneThatWasKilled) {
    BuildWatcher watcher(m_tree);
    std::optional<RunningMark> mark(std::in_place, m_plan, "build-complete");
    mark->set_run(engine::RunId::generate(), "/log");
    EXPECT_EQ(watcher.look().running.size(), 1U);
    mark.reset();
    EXPECT_EQ(told(watcher), Lines{"app.build-complete: ended without a result"});
    EXPECT_EQ(told(watcher), Lines{});
}

}  // namespace
}  // namespace mstage::pipeline
