#include "pipeline/status.hpp"

#include "pipeline/pins.hpp"
#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

namespace fs = std::filesystem;

class StatusTest : public PipelineTest {
protected:
    /// As if CMake had run again with other options for a stage.
    void change_plan(size_t stage, const Json& fields) {
        Json json = parse_json(read_file(m_plan.path), "plan");
        json.at("stages").at(stage).update(fields);
        m_plan = make_plan(json);
    }
    CheckpointStatus status(const std::string& checkpoint) {
        for (CheckpointStatus& one :
             status_of(m_engine, BuildTree::find(m_dir / "build").value())) {
            if (one.checkpoint == checkpoint) {
                return one;
            }
        }
        throw Error("no status of '{}'", checkpoint);
    }
};

TEST_F(StatusTest, OfAFreshTreeIsNotBuilt) {
    const auto all = status_of(m_engine, BuildTree::find(m_dir / "build").value());
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].checkpoint, "setup-base");
    EXPECT_EQ(all[0].from, "");
    EXPECT_EQ(all[2].from, "deps-installed");
    for (const CheckpointStatus& one : all) {
        EXPECT_EQ(one.state, CheckpointState::not_built);
        EXPECT_EQ(one.pipeline, "app");
        EXPECT_FALSE(one.image);
    }
}

TEST_F(StatusTest, OfABuiltTreeIsCurrent) {
    ASSERT_TRUE(build("build-complete").ok);
    for (const char* checkpoint : {"setup-base", "deps-installed", "build-complete"}) {
        const CheckpointStatus one = status(checkpoint);
        EXPECT_EQ(one.state, CheckpointState::current) << checkpoint;
        ASSERT_TRUE(one.image);
        EXPECT_GT(one.size, 0U);
        EXPECT_EQ(one.next, Action::keep);
        EXPECT_FALSE(one.failure);
        EXPECT_FALSE(one.running);
        EXPECT_FALSE(one.pinned_since);
    }
    EXPECT_TRUE(status("build-complete").duration);
}

TEST_F(StatusTest, IsRestoredWhenTheStoreHadIt) {
    ASSERT_TRUE(build("build-complete").ok);
    remove_tree(m_plan.state_dir);
    m_plan = make_plan(plan_json(m_dir / "build"));
    ASSERT_TRUE(build("build-complete").ok);
    EXPECT_EQ(status("setup-base").state, CheckpointState::current) << "its base was there before";
    EXPECT_EQ(status("deps-installed").state, CheckpointState::restored);
    EXPECT_EQ(status("build-complete").state, CheckpointState::restored);
    EXPECT_FALSE(status("build-complete").duration) << "it did not run in this build tree";
}

TEST_F(StatusTest, IsOutOfDateWhenTheSourceIsAnother) {
    ASSERT_TRUE(build("build-complete").ok);
    write_file_atomically(m_dir / "src/main.c", "int other;");
    EXPECT_EQ(status("setup-base").state, CheckpointState::current);
    EXPECT_EQ(status("build-complete").state, CheckpointState::outdated);
    EXPECT_EQ(status("build-complete").next, Action::run);
    ASSERT_TRUE(build("deps-installed").ok);
    ASSERT_TRUE(build("build-complete").ok);
    write_file_atomically(m_dir / "src/main.c", "int main;");
    EXPECT_EQ(status("build-complete").state, CheckpointState::outdated);
    EXPECT_EQ(status("deps-installed").next, Action::restore);
}

TEST_F(StatusTest, IsPinnedWhatWasPutBack) {
    ASSERT_TRUE(build("build-complete").ok);
    const Checkpoint first = read_checkpoint(m_plan, "deps-installed").value();
    const auto since = parse_time("2026-01-31T12:00:00.000000Z");
    write_pin(m_plan, {first, since});
    change_plan(0, {{"command", "echo other > /root/deps"}});
    EXPECT_EQ(status("deps-installed").state, CheckpointState::pinned);
    EXPECT_EQ(status("deps-installed").pinned_since, since);
    EXPECT_EQ(status("build-complete").state, CheckpointState::current);
}

TEST_F(StatusTest, SaysWhatRuns) {
    const RunningMark mark(m_plan, "build-complete");
    EXPECT_TRUE(status("build-complete").running);
    EXPECT_FALSE(status("deps-installed").running);
}

TEST_F(StatusTest, IsOutOfDateWhenTheParentIsAnother) {
    ASSERT_TRUE(build("build-complete").ok);
    change_plan(0, {{"command", "echo other > /root/deps"}});
    EXPECT_EQ(status("deps-installed").state, CheckpointState::outdated);
    EXPECT_EQ(status("build-complete").state, CheckpointState::outdated) << "what it stands on is";
    ASSERT_TRUE(build("deps-installed").ok);
    EXPECT_EQ(status("deps-installed").state, CheckpointState::current);
    EXPECT_EQ(status("build-complete").state, CheckpointState::outdated);
    remove_checkpoint(m_plan, "deps-installed");
    EXPECT_EQ(status("build-complete").state, CheckpointState::outdated);
}

TEST_F(StatusTest, IsOutOfDateWhenWhatItCopiesFromIsAnother) {
    change_plan(1, {{"from", "setup-base"},
                    {"copies",
                     {{{"plan", nullptr},
                       {"checkpoint", "deps-installed"},
                       {"path", "/root/deps"},
                       {"destination", ""}}}}});
    ASSERT_TRUE(build("deps-installed").ok);
    ASSERT_TRUE(build("build-complete").ok);
    EXPECT_EQ(status("build-complete").state, CheckpointState::current);
    change_plan(0, {{"command", "echo other > /root/deps"}});
    ASSERT_TRUE(build("deps-installed").ok);
    EXPECT_EQ(status("build-complete").state, CheckpointState::outdated);
    ASSERT_TRUE(build("build-complete").ok);
    EXPECT_EQ(status("build-complete").state, CheckpointState::current);
    remove_checkpoint(m_plan, "deps-installed");
    EXPECT_EQ(status("build-complete").state, CheckpointState::current) << "it is restored";
}

TEST_F(StatusTest, IsFailedAfterAFailure) {
    stage("install").command = "exit 1";
    ASSERT_FALSE(build("deps-installed").ok);
    EXPECT_EQ(status("deps-installed").state, CheckpointState::failed);
    const CheckpointStatus failed = status("deps-installed");
    ASSERT_TRUE(failed.failure);
    EXPECT_TRUE(failed.failure->time);
    EXPECT_TRUE(failed.failure->duration);
    EXPECT_FALSE(failed.duration);
    EXPECT_EQ(status("build-complete").state, CheckpointState::not_built);
}

TEST_F(StatusTest, IsNotBuiltWhenTheStoreLostTheImage) {
    ASSERT_TRUE(build("build-complete").ok);
    fs::remove(m_engine.witness(read_checkpoint(m_plan, "build-complete")->image));
    EXPECT_EQ(status("build-complete").state, CheckpointState::not_built);
}

TEST_F(StatusTest, IsNotBuiltWhenTheStoreLostALayer) {
    ASSERT_TRUE(build("build-complete").ok);
    const engine::Image image = m_engine.image(read_checkpoint(m_plan, "build-complete")->image);
    remove_tree(m_dir / "store/layers" / image.layers.back().str());
    EXPECT_EQ(status("build-complete").state, CheckpointState::not_built);
    EXPECT_EQ(status("deps-installed").state, CheckpointState::current);
}

TEST(CheckpointState, HasNames) {
    EXPECT_STREQ(to_string(CheckpointState::current), "current");
    EXPECT_STREQ(to_string(CheckpointState::restored), "restored");
    EXPECT_STREQ(to_string(CheckpointState::outdated), "out of date");
    EXPECT_STREQ(to_string(CheckpointState::pinned), "pinned");
    EXPECT_STREQ(to_string(CheckpointState::failed), "failed");
    EXPECT_STREQ(to_string(CheckpointState::not_built), "not built");
    EXPECT_EQ(to_word(CheckpointState::outdated), "out-of-date");
    EXPECT_EQ(to_word(CheckpointState::not_built), "not-built");
}

}  // namespace
}  // namespace mstage::pipeline
