#include "pipeline/status.hpp"

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

TEST_F(StatusTest, OfAFreshTreeIsMissing) {
    const auto all = status_of(m_engine, BuildTree::find(m_dir / "build").value());
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].checkpoint, "setup-base");
    EXPECT_EQ(all[0].from, "");
    EXPECT_EQ(all[2].from, "deps-installed");
    for (const CheckpointStatus& one : all) {
        EXPECT_EQ(one.state, CheckpointState::missing);
        EXPECT_EQ(one.pipeline, "app");
        EXPECT_FALSE(one.image);
    }
}

TEST_F(StatusTest, OfABuiltTreeIsGood) {
    ASSERT_TRUE(build("build-complete").ok);
    for (const char* checkpoint : {"setup-base", "deps-installed", "build-complete"}) {
        const CheckpointStatus one = status(checkpoint);
        EXPECT_EQ(one.state, CheckpointState::good) << checkpoint;
        ASSERT_TRUE(one.image);
        EXPECT_GT(one.size, 0U);
    }
}

TEST_F(StatusTest, IsOutdatedWhenTheParentIsAnother) {
    ASSERT_TRUE(build("build-complete").ok);
    change_plan(0, {{"command", "echo other > /root/deps"}});
    EXPECT_EQ(status("deps-installed").state, CheckpointState::outdated);
    EXPECT_EQ(status("build-complete").state, CheckpointState::outdated) << "what it stands on is";
    ASSERT_TRUE(build("deps-installed").ok);
    EXPECT_EQ(status("deps-installed").state, CheckpointState::good);
    EXPECT_EQ(status("build-complete").state, CheckpointState::outdated);
    remove_checkpoint(m_plan, "deps-installed");
    EXPECT_EQ(status("build-complete").state, CheckpointState::outdated);
}

TEST_F(StatusTest, IsOutdatedWhenWhatItCopiesFromIsAnother) {
    change_plan(1, {{"from", "setup-base"},
                    {"copies",
                     {{{"plan", nullptr},
                       {"checkpoint", "deps-installed"},
                       {"path", "/root/deps"},
                       {"destination", ""}}}}});
    ASSERT_TRUE(build("deps-installed").ok);
    ASSERT_TRUE(build("build-complete").ok);
    EXPECT_EQ(status("build-complete").state, CheckpointState::good);
    change_plan(0, {{"command", "echo other > /root/deps"}});
    ASSERT_TRUE(build("deps-installed").ok);
    EXPECT_EQ(status("build-complete").state, CheckpointState::outdated);
    ASSERT_TRUE(build("build-complete").ok);
    EXPECT_EQ(status("build-complete").state, CheckpointState::good);
    remove_checkpoint(m_plan, "deps-installed");
    EXPECT_EQ(status("build-complete").state, CheckpointState::outdated);
}

TEST_F(StatusTest, IsFailedAfterAFailure) {
    stage("install").command = "exit 1";
    ASSERT_FALSE(build("deps-installed").ok);
    EXPECT_EQ(status("deps-installed").state, CheckpointState::failed);
    EXPECT_TRUE(status("deps-installed").failed_state);
    EXPECT_EQ(status("build-complete").state, CheckpointState::missing);
}

TEST_F(StatusTest, IsMissingWhenTheStoreLostTheImage) {
    ASSERT_TRUE(build("build-complete").ok);
    fs::remove(m_engine.witness(read_checkpoint(m_plan, "build-complete")->image));
    EXPECT_EQ(status("build-complete").state, CheckpointState::missing);
}

TEST_F(StatusTest, IsMissingWhenTheStoreLostALayer) {
    ASSERT_TRUE(build("build-complete").ok);
    const engine::Image image = m_engine.image(read_checkpoint(m_plan, "build-complete")->image);
    remove_tree(m_dir / "store/layers" / image.layers.back().str());
    EXPECT_EQ(status("build-complete").state, CheckpointState::missing);
    EXPECT_EQ(status("deps-installed").state, CheckpointState::good);
}

TEST(CheckpointState, HasNames) {
    EXPECT_STREQ(to_string(CheckpointState::good), "good");
    EXPECT_STREQ(to_string(CheckpointState::outdated), "outdated");
    EXPECT_STREQ(to_string(CheckpointState::missing), "missing");
    EXPECT_STREQ(to_string(CheckpointState::failed), "failed");
}

}  // namespace
}  // namespace mstage::pipeline
