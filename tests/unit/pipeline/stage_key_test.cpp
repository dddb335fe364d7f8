#include "pipeline/stage_key.hpp"

#include <tuple>

#include "base/hash.hpp"
#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

class StageKeyTest : public ::testing::Test {
protected:
    std::string key() const {
        return stage_key(stage_key_parts(m_plan, m_stage, m_engine, m_parent, m_inputs));
    }

    /// Whether the key is another one after `change`, which is undone.
    template <typename F>
    bool changes_with(const F& change) {
        const auto parts = std::tuple(m_plan, m_stage, m_engine, m_parent, m_inputs);
        const std::string before = key();
        change();
        const bool changed = key() != before;
        std::tie(m_plan, m_stage, m_engine, m_parent, m_inputs) = parts;
        return changed;
    }

    Plan m_plan;
    Stage m_stage;
    std::string m_engine = "local";
    engine::ImageId m_parent =
        engine::ImageId::parse("abcd1111-0000-4000-8000-000000000000").value();
    std::string m_inputs = std::string(64, 'a');
};

TEST_F(StageKeyTest, IsADigest) {
    EXPECT_TRUE(is_sha256_hex(key()));
    EXPECT_EQ(key(), key());
}

TEST_F(StageKeyTest, ChangesWithEverythingThatCanChangeTheResult) {
    EXPECT_TRUE(changes_with([&] { m_stage.command = "make"; }));
    EXPECT_TRUE(changes_with([&] { m_stage.environment = {{"A", "1"}}; }));
    EXPECT_TRUE(changes_with([&] { m_stage.workdir = "/other"; }));
    EXPECT_TRUE(changes_with([&] { m_stage.network = false; }));
    EXPECT_TRUE(changes_with([&] { m_plan.workdir = "/other"; }));
    EXPECT_TRUE(changes_with([&] { m_parent = engine::ImageId::generate(); }));
    EXPECT_TRUE(changes_with([&] { m_inputs = std::string(64, 'b'); }));
    EXPECT_TRUE(changes_with([&] { m_engine = "contree"; }));
    EXPECT_TRUE(changes_with([&] { m_stage.user = "builder"; }));
    EXPECT_TRUE(changes_with([&] { m_stage.caches = {{"/a", "a"}}; }));
    m_stage.caches = {{"/a", "a"}, {"/b", "b"}};
    EXPECT_TRUE(changes_with([&] { m_stage.caches[1].path = "/c"; }));
    EXPECT_TRUE(changes_with([&] { m_stage.caches[1].id = "c"; }));
    EXPECT_TRUE(changes_with([&] { m_stage.secrets = parse_secrets({"a=A"}); }));
    EXPECT_TRUE(changes_with([&] { m_stage.name = "other"; })) << "commands can see MSTAGE_STAGE";
}

TEST_F(StageKeyTest, StaysWhenOnlyTheWayThereChanges) {
    EXPECT_FALSE(changes_with([&] { m_stage.timeout = std::chrono::seconds(60); }));
    EXPECT_FALSE(changes_with([&] { m_stage.live = true; }));
    m_stage.secrets = parse_secrets({"a=A"});
    EXPECT_FALSE(changes_with([&] { m_stage.secrets = parse_secrets({"a=file:/b"}); }));
    m_stage.caches = {{"/a", "a"}, {"/b", "b"}};
    EXPECT_FALSE(changes_with([&] { m_stage.caches[0].sharing = engine::CacheSharing::locked; }));
    EXPECT_FALSE(changes_with([&] { m_stage.caches = {{"/b", "b"}, {"/a", "a"}}; }));
    EXPECT_FALSE(changes_with([&] { m_stage.checkpoint = "other"; }));
    EXPECT_FALSE(changes_with([&] { m_stage.target = "other"; }));
    EXPECT_FALSE(changes_with([&] { m_stage.from = "other"; }));
    EXPECT_FALSE(changes_with([&] { m_stage.inputs = {{"*.c"}}; }))
        << "the digest says what that means";
    EXPECT_FALSE(changes_with([&] { m_plan.pipeline = "other"; }));
    EXPECT_FALSE(changes_with([&] { m_plan.source = "/other"; }));
    EXPECT_FALSE(changes_with([&] { m_plan.build_dir = "/other"; }));
    EXPECT_FALSE(changes_with([&] { m_plan.build_tool = "make"; }));
}

TEST_F(StageKeyTest, TellsPartsApartThatLookAlike) {
    m_stage.environment = {{"A", "1"}, {"B", "2"}};
    EXPECT_TRUE(changes_with([&] { m_stage.environment = {{"A", "1B=2"}}; }));
    m_stage.command = "echo \xff";
    EXPECT_TRUE(changes_with([&] { m_stage.command = "echo \xfe"; }))
        << "bytes that are no UTF-8 count too";
}

TEST_F(StageKeyTest, DoesNotDependOnTheOrderOfVariables) {
    m_stage.environment = {{"A", "1"}, {"B", "2"}};
    EXPECT_FALSE(changes_with([&] { m_stage.environment = {{"B", "2"}, {"A", "1"}}; }));
}

TEST_F(StageKeyTest, StaysTheSameFromReleaseToRelease) {
    // Should this fail, results of earlier versions are found no more: then k_format_version has to say so too.
    m_stage.name = "build";
    m_stage.command = "make";
    m_stage.workdir = "/app";
    m_plan.workdir = "/app";
    EXPECT_EQ(key(), "1004ca8cfc202bf2a78c937dec4c169a3c0a562af018a2450a6f0d3c6d6f684e");
    EXPECT_EQ(engine::k_format_version, 1);
}

TEST(TaskEnvironment, NamesTheStage) {
    Task task;
    task.name = "build";
    task.environment = {{"A", "1"}};
    EXPECT_EQ(task_environment(task),
              (std::map<std::string, std::string>{{"A", "1"}, {"MSTAGE_STAGE", "build"}}));
    task.environment = {{"MSTAGE_STAGE", "mine"}};
    EXPECT_EQ(task_environment(task).at("MSTAGE_STAGE"), "mine");
}

}  // namespace
}  // namespace mstage::pipeline
