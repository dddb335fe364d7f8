#include "pipeline/rollback.hpp"

#include "pipeline/generation.hpp"
#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

namespace fs = std::filesystem;
using engine::ImageId;
using test::contains;
using test::error_of;

class RollbackTest : public PipelineTest {
protected:
    BuildTree tree() const { return BuildTree::find(m_dir / "build").value(); }
    CheckpointName point(const BuildTree& tree, const std::string& name) const {
        return get_checkpoint_name(tree, name);
    }
    void make(const TreeChange& change) const { TreeTurn(m_plan.build_dir).make(change); }
    TreeChange back_to(const std::string& name) {
        const BuildTree here = tree();
        return roll_back(m_engine, here, point(here, name));
    }
    TreeChange back_to(const std::string& name, const std::string& generation) {
        const BuildTree here = tree();
        return put_back(
            m_engine, point(here, name),
            find_generation(m_engine, m_plan, name, generation, std::chrono::system_clock::now()));
    }
    void take_back() {
        TreeTurn turn(m_plan.build_dir);
        turn.undo(undo(m_engine, tree()));
    }
    static std::string names(const TreeChange& change) {
        std::string text;
        for (const CheckpointChange& one : change.checkpoints) {
            text += (text.empty() ? "" : " ") + one.checkpoint;
        }
        return text;
    }
    Checkpoint marker(const std::string& checkpoint) const {
        return get_checkpoint(m_plan, checkpoint);
    }
    size_t runs() const { return entries_in("runs"); }
    void edit(const std::string& text) const { write_file_atomically(m_dir / "src/main.c", text); }
};

TEST_F(RollbackTest, DropsWhatIsBehindAndRunsItAgain) {
    build("build-complete");
    const Checkpoint first = marker("build-complete");
    const Checkpoint deps = marker("deps-installed");
    const TreeChange change = back_to("deps-installed");
    EXPECT_EQ(names(change), "build-complete");
    make(change);
    EXPECT_FALSE(has_marker("build-complete"));
    EXPECT_EQ(marker("deps-installed"), deps);
    EXPECT_TRUE(m_engine.find(first.image)) << "images stay";
    build("build-complete");
    EXPECT_EQ(runs(), 3U);
    EXPECT_NE(marker("build-complete").image, first.image);
    EXPECT_EQ(marker("build-complete").key, first.key);
    take_back();
    EXPECT_EQ(marker("build-complete"), first);
    build("build-complete");
    EXPECT_EQ(marker("build-complete"), first) << "the build leaves it alone";
    EXPECT_EQ(runs(), 3U);
}

TEST_F(RollbackTest, ToTheBaseDropsAllStages) {
    build("build-complete");
    EXPECT_EQ(names(back_to("setup-base")), "deps-installed build-complete");
    EXPECT_TRUE(back_to("build-complete").is_empty());
}

TEST_F(RollbackTest, RunsAgainAlsoWhatFailedLast) {
    build("build-complete");
    const std::string good = stage("build").command;
    stage("build").command = "exit 3";
    EXPECT_FALSE(build("build-complete").ok);
    make(back_to("deps-installed"));
    stage("build").command = good;
    build("build-complete");
    EXPECT_EQ(runs(), 4U);
}

TEST_F(RollbackTest, DropsWhatCopiesFromADroppedOneInOtherPipelinesToo) {
    Json lib = plan_json(m_dir / "build", "lib", false);
    lib.at("stages").at(0)["copies"] = Json::array({{{"plan", m_plan.path.native()},
                                                     {"checkpoint", "build-complete"},
                                                     {"path", "/app/out"},
                                                     {"destination", ""}}});
    const Plan other = make_plan(lib);
    build("build-complete");
    set_up_base(context(), other);
    scan(m_engine, other);
    ASSERT_TRUE(run_stage(context(), other, other.stages[0]).ok);
    ASSERT_TRUE(run_stage(context(), other, other.stages[1]).ok);
    const TreeChange change = back_to("deps-installed");
    EXPECT_EQ(names(change), "build-complete deps-installed build-complete");
    EXPECT_EQ(change.checkpoints[1].state_dir, other.state_dir);
    make(change);
    EXPECT_FALSE(read_checkpoint(other, "deps-installed"));
    EXPECT_FALSE(read_checkpoint(other, "build-complete"));
    EXPECT_TRUE(has_marker("deps-installed"));
    take_back();
    EXPECT_TRUE(read_checkpoint(other, "build-complete"));
    // What it is gone back to is not dropped, but what copies from it is.
    EXPECT_EQ(names(back_to("build-complete")), "deps-installed build-complete");
}

TEST_F(RollbackTest, PutsAnEarlierGenerationBackAndPinsIt) {
    build("build-complete");
    const Checkpoint first = marker("build-complete");
    edit("edited");
    build("build-complete");
    const Checkpoint second = marker("build-complete");
    make(back_to("build-complete", "@-1"));
    EXPECT_EQ(marker("build-complete"), first);
    EXPECT_TRUE(contains(build("build-complete").text, "pinned"));
    EXPECT_EQ(marker("build-complete"), first);
    const BuildTree here = tree();
    make(unpin(point(here, "build-complete")));
    EXPECT_EQ(marker("build-complete"), first) << "only the build changes it";
    EXPECT_TRUE(contains(build("build-complete").text, "restored"));
    EXPECT_EQ(marker("build-complete"), second);
    take_back();
    EXPECT_EQ(marker("build-complete"), first);
    EXPECT_TRUE(contains(build("build-complete").text, "pinned"));
    take_back();
    EXPECT_EQ(marker("build-complete"), second);
    EXPECT_TRUE(contains(build("build-complete").text, "unchanged"));
    EXPECT_TRUE(contains(error_of([&] { take_back(); }).message(), "no rollback to take back"));
}

TEST_F(RollbackTest, StagesBehindBuildOnWhatWasPutBack) {
    build("build-complete");
    const Checkpoint old_deps = marker("deps-installed");
    const Checkpoint old_complete = marker("build-complete");
    stage("install").command = "echo upgraded > /root/deps";
    build("deps-installed");
    build("build-complete");
    make(back_to("deps-installed", "@-1"));
    build("deps-installed");
    EXPECT_TRUE(contains(build("build-complete").text, "restored"));
    EXPECT_EQ(marker("deps-installed"), old_deps);
    EXPECT_EQ(marker("build-complete"), old_complete);
}

TEST_F(RollbackTest, TheBaseCanBeAnotherImage) {
    build("deps-installed");
    const ImageId original = marker("setup-base").image;
    const ImageId other = made_by(original, "echo other > /root/base");
    make(back_to("setup-base", other.str()));
    EXPECT_TRUE(contains(build("setup-base").text, "pinned"));
    EXPECT_EQ(marker("setup-base").image, other);
    build("deps-installed");
    EXPECT_EQ(content_of(marker("deps-installed").image, "/root/base"), "other\n");
    const BuildTree here = tree();
    make(unpin(point(here, "setup-base")));
    build("setup-base");
    EXPECT_EQ(marker("setup-base").image, original);
}

TEST_F(RollbackTest, WhatTheStoreLostCannotBeGoneBackTo) {
    build("build-complete");
    const Checkpoint first = marker("build-complete");
    edit("edited");
    build("build-complete");
    make(back_to("deps-installed"));
    fs::remove(m_engine.witness(first.image));
    EXPECT_TRUE(contains(error_of([&] { back_to("build-complete", "@-2"); }).message(),
                         "the store has lost it"));
    fs::remove(m_engine.witness(marker("deps-installed").image));
    EXPECT_TRUE(
        contains(error_of([&] { back_to("deps-installed"); }).message(), "the store has lost it"));
}

TEST_F(RollbackTest, AnUndoNeedsItsImages) {
    build("build-complete");
    fs::remove(m_engine.witness(marker("build-complete").image));
    make(back_to("deps-installed"));
    const Error error = error_of([&] { take_back(); });
    EXPECT_TRUE(contains(error.message(), "taking back 'rollback app.deps-installed'"));
    EXPECT_TRUE(contains(error.message(), "the store has lost it"));
}

TEST_F(RollbackTest, NeedsSomethingToGoBackTo) {
    EXPECT_TRUE(
        contains(error_of([&] { back_to("deps-installed"); }).message(), "has not been built"));
    EXPECT_TRUE(contains(error_of<UsageError>([&] { back_to("nonsense"); }).message(),
                         "'nonsense' is no checkpoint of build tree"));
    const BuildTree here = tree();
    EXPECT_TRUE(
        contains(error_of([&] { unpin(point(here, "setup-base")); }).message(), "is not pinned"));
    EXPECT_TRUE(contains(error_of([&] { take_back(); }).message(), "no rollback to take back"));
}

TEST_F(RollbackTest, OfOneTreeLeavesOthersOfTheSameStoreAlone) {
    build("build-complete");
    const Plan other = make_plan(plan_json(m_dir / "other"));
    const auto build_other = [&] {
        set_up_base(context(), other);
        scan(m_engine, other);
        EXPECT_TRUE(run_stage(context(), other, other.stages[0]).ok);
        EXPECT_TRUE(run_stage(context(), other, other.stages[1]).ok);
    };
    build_other();
    const Checkpoint theirs = get_checkpoint(other, "build-complete");
    EXPECT_EQ(theirs, marker("build-complete"));
    make(back_to("setup-base"));
    EXPECT_EQ(get_checkpoint(other, "build-complete"), theirs);
    build("build-complete");
    EXPECT_EQ(runs(), 4U);
    build_other();
    EXPECT_EQ(get_checkpoint(other, "build-complete"), theirs) << "though its key is another image";
    EXPECT_EQ(runs(), 4U);
    // Whoever has none gets the new one.
    remove_checkpoint(other, "deps-installed");
    build_other();
    EXPECT_EQ(get_checkpoint(other, "deps-installed"), marker("deps-installed"));
    EXPECT_EQ(runs(), 4U);
}

/// After each of them the build does as the forecast said.
TEST_F(RollbackTest, ForecastsOfAChangeComeTrue) {
    build("build-complete");
    const auto compare = [&](const TreeChange& change, bool is_undo, const std::string& expected) {
        Forecast look(m_engine);
        look.assume(m_plan, state_after(change, m_plan));
        std::string foreseen;
        for (const CheckpointForecast& one : look.all(m_plan)) {
            foreseen += std::string(to_string(one.action)) + " ";
        }
        EXPECT_EQ(foreseen, expected);
        {
            TreeTurn turn(m_plan.build_dir);
            is_undo ? turn.undo(change) : turn.make(change);
        }
        const size_t before = runs();
        build("setup-base");
        build("deps-installed");
        build("build-complete");
        EXPECT_EQ(runs() - before, static_cast<size_t>(std::ranges::count(foreseen, 'u')));
        for (const CheckpointForecast& one : look.all(m_plan)) {
            if (one.image) {
                EXPECT_EQ(marker(one.checkpoint).image, one.image) << one.checkpoint;
            }
        }
    };
    compare(back_to("setup-base"), false, "keep run run ");
    compare(undo(m_engine, tree()), true, "keep keep keep ");
    compare(back_to("deps-installed"), false, "keep keep run ");
    compare(back_to("deps-installed", "@-1"), false, "keep keep restore ");
    compare(undo(m_engine, tree()), true, "keep keep restore ");
}

}  // namespace
}  // namespace mstage::pipeline
