#include "pipeline/tree_change.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

namespace fs = std::filesystem;
using engine::ImageId;
using test::contains;
using test::error_of;

class TreeChangeTest : public ::testing::Test {
protected:
    TreeChangeTest() { write_checkpoint(m_plan, m_before); }

    Checkpoint checkpoint(const std::string& name) const {
        return {.name = name,
                .image = ImageId::generate(),
                .parent = ImageId::generate(),
                .key = std::string(64, 'a')};
    }
    /// deps-installed is put back, build-complete dropped.
    TreeChange change() const {
        TreeChange made{.title = "a test"};
        made.checkpoints = {{.state_dir = m_plan.state_dir,
                             .checkpoint = "deps-installed",
                             .marker = m_back,
                             .pin = Pin{m_back, made.time},
                             .event = HistoryEvent::rolled_back,
                             .was = {}},
                            {.state_dir = m_plan.state_dir,
                             .checkpoint = "build-complete",
                             .marker = {},
                             .pin = {},
                             .event = HistoryEvent::dropped,
                             .was = m_before.image}};
        made.keys = {{.state_dir = m_plan.state_dir,
                      .checkpoint = "build-complete",
                      .key = *m_before.key,
                      .retired = true}};
        return made;
    }
    void make(const TreeChange& made) const { TreeTurn(m_plan.build_dir).make(made); }
    void undo() const {
        TreeTurn turn(m_plan.build_dir);
        turn.undo(find_undo(m_plan.build_dir).value());
    }
    void expect_before() const {
        EXPECT_EQ(read_checkpoint(m_plan, "build-complete"), m_before);
        EXPECT_FALSE(read_checkpoint(m_plan, "deps-installed"));
        EXPECT_FALSE(read_pin(m_plan, "deps-installed"));
        EXPECT_FALSE(is_retired(m_plan, *m_before.key));
    }
    void expect_after() const {
        EXPECT_FALSE(read_checkpoint(m_plan, "build-complete"));
        EXPECT_EQ(read_checkpoint(m_plan, "deps-installed"), m_back);
        EXPECT_EQ(read_pin(m_plan, "deps-installed")->checkpoint, m_back);
        EXPECT_TRUE(is_retired(m_plan, *m_before.key));
        EXPECT_FALSE(fs::exists(journal()));
    }
    fs::path journal() const { return m_plan.build_dir / ".mstage/.rollback"; }
    std::string events() const {
        std::string text;
        for (const HistoryEntry& entry : read_history(m_plan)) {
            text += fmt::format("{} {}{}; ", entry.checkpoint, to_string(entry.event),
                                entry.pinned ? " pinned" : "");
        }
        return text;
    }

    test::TempDir m_dir;
    Plan m_plan = make_plan(plan_json(m_dir / "build"));
    Checkpoint m_before = checkpoint("build-complete");
    Checkpoint m_back = checkpoint("deps-installed");
};

TEST_F(TreeChangeTest, IsMadeAndTakenBack) {
    make(change());
    expect_after();
    EXPECT_EQ(events(), "deps-installed rolled-back pinned; build-complete dropped; ");
    EXPECT_EQ(read_history(m_plan).back().image, m_before.image);
    undo();
    expect_before();
    EXPECT_FALSE(find_undo(m_plan.build_dir));
    EXPECT_TRUE(events().ends_with("deps-installed undone; build-complete undone; ")) << events();
    const auto told = read_history(m_plan);
    EXPECT_FALSE(told[2].image) << "there is no marker after it";
    EXPECT_EQ(told[3].image, m_before.image);
}

TEST_F(TreeChangeTest, TheLastIsTakenBackFirst) {
    make(change());
    TreeChange second{.title = "another"};
    second.checkpoints = {{.state_dir = m_plan.state_dir,
                           .checkpoint = "deps-installed",
                           .marker = m_back,
                           .pin = {},
                           .event = HistoryEvent::unpinned,
                           .was = {}}};
    make(second);
    EXPECT_FALSE(read_pin(m_plan, "deps-installed"));
    EXPECT_EQ(find_undo(m_plan.build_dir)->title, "another");
    undo();
    expect_after();
    EXPECT_EQ(find_undo(m_plan.build_dir)->title, "a test");
    undo();
    expect_before();
}

TEST_F(TreeChangeTest, AnEmptyOneLeavesNothingToTakeBack) {
    make(TreeChange{.title = "nothing"});
    EXPECT_FALSE(find_undo(m_plan.build_dir));
}

TEST_F(TreeChangeTest, MarkersAreNewAndWillBeLookedAt) {
    make(change());
    // From a time when it was written.
    const timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, m_plan.marker_path("deps-installed").c_str(), old, 0), 0);
    undo();
    make(change());
    struct stat info {};
    ASSERT_EQ(::stat(m_plan.marker_path("deps-installed").c_str(), &info), 0);
    EXPECT_GT(info.st_mtim.tv_sec, 1700000000);
    for (const char* name : {"setup-base", "deps-installed", "build-complete", "scan"}) {
        EXPECT_TRUE(contains(read_file(m_plan.depfile_path(name)), never_there(m_plan))) << name;
    }
}

TEST_F(TreeChangeTest, KeysThatRanWellMeanwhileStayGood) {
    make(change());
    unretire(m_plan, *m_before.key);
    undo();
    expect_before();
}

TEST_F(TreeChangeTest, WaitsForNobodyAndIsNotMadeUnderAStage) {
    const auto hold = hold_checkpoints(m_plan.build_dir);
    const Error error = error_of([&] { make(change()); });
    EXPECT_TRUE(contains(error.message(), "a stage is being made in build tree"))
        << error.message();
    expect_before();
}

TEST_F(TreeChangeTest, ChangesAtTheSameTimeComeOneAfterTheOther) {
    constexpr int k_count = 4;
    std::vector<std::unique_ptr<test::Process>> changes;
    for (int i = 0; i < k_count; ++i) {
        changes.push_back(std::make_unique<test::Process>([&] {
            for (int round = 0; round < 10; ++round) {
                make(change());
            }
            return 0;
        }));
    }
    for (const auto& one : changes) {
        EXPECT_TRUE(one->wait().ok());
    }
    expect_after();
}

TEST_F(TreeChangeTest, StagesWaitForItsEnd) {
    auto turn = std::make_unique<TreeTurn>(m_plan.build_dir);
    test::Process stage([&] {
        turn.reset();  // its own copy
        const auto hold = hold_checkpoints(m_plan.build_dir);
        return read_checkpoint(m_plan, "build-complete") ? 1 : 0;
    });
    turn->make(change());
    turn.reset();
    EXPECT_TRUE(stage.wait().ok()) << "it sees the state after the change";
}

TEST_F(TreeChangeTest, OneThatWasInterruptedIsBroughtToItsEnd) {
    fs::create_directory(m_plan.state_dir / "history");  // lets a step in the middle fail
    const Error error = error_of([&] { make(change()); });
    EXPECT_TRUE(contains(error.message(), "half done")) << error.message();
    EXPECT_TRUE(fs::exists(journal()));
    for (const char* name : {"deps-installed", "build-complete", "scan"}) {
        EXPECT_TRUE(contains(read_file(m_plan.depfile_path(name)), never_there(m_plan)))
            << "the next build starts " << name;
    }
    const Error again = error_of([&] { hold_checkpoints(m_plan.build_dir); });
    EXPECT_TRUE(contains(again.message(), "is to be brought to its end")) << again.message();
    fs::remove(m_plan.state_dir / "history");
    finish_change(m_plan.build_dir);
    expect_after();
    const std::string told = events();
    EXPECT_EQ(told, "deps-installed rolled-back pinned; build-complete dropped; ") << "each once";
    undo();
    expect_before();
}

TEST_F(TreeChangeTest, AKillAtAnyPointLeavesItToBeFinished) {
    for (int delay = 0; delay < 30; ++delay) {
        test::Process other([&] {
            make(change());
            return 0;
        });
        ::usleep(static_cast<useconds_t>(delay) * 100);
        other.kill(SIGKILL);
        other.wait();
        finish_change(m_plan.build_dir);
        if (find_undo(m_plan.build_dir)) {
            expect_after();
            undo();
        }
        expect_before();
    }
}

TEST_F(TreeChangeTest, WhatTheProjectNoLongerHasIsLeftOut) {
    make(change());
    Json smaller = plan_json(m_dir / "build");
    smaller.at("stages").erase(1);
    smaller.at("tests") = Json::array();
    make_plan(smaller);
    undo();
    EXPECT_FALSE(read_checkpoint(m_plan, "build-complete"));
    EXPECT_FALSE(read_checkpoint(m_plan, "deps-installed"));
}

TEST_F(TreeChangeTest, StateAfterIsWhatItBecomes) {
    const PlanState foreseen = state_after(change(), m_plan);
    make(change());
    const PlanState real = read_plan_state(m_plan);
    EXPECT_EQ(foreseen.markers, real.markers);
    EXPECT_EQ(foreseen.retired, real.retired);
    EXPECT_EQ(foreseen.pins.size(), real.pins.size());
}

}  // namespace
}  // namespace mstage::pipeline
