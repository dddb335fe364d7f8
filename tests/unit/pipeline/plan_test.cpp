#include "pipeline/plan.hpp"

#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

using test::contains;
using test::error_of;

class PlanTest : public ::testing::Test {
protected:
    std::string error_for(const Json& json) {
        const Error error = error_of([&] { make_plan(json); });
        EXPECT_TRUE(error.message().starts_with(
            fmt::format("plan '{}': ", (m_dir / "build/.mstage/app/plan.json").native())))
            << error.message();
        return error.message();
    }

    test::TempDir m_dir;
    Json m_json = plan_json(m_dir / "build");
};

TEST_F(PlanTest, SaysAllThatTheModuleWrote) {
    m_json["stages"][1]["inputs"] = {"*.c"};
    m_json["stages"][1]["environment"] = {{"A", "1"}};
    m_json["stages"][1]["timeout"] = 60;
    m_json["stages"][1]["network"] = false;
    m_json["store"] = "/store";
    const Plan plan = make_plan(m_json);
    EXPECT_EQ(plan.path, m_dir / "build/.mstage/app/plan.json");
    EXPECT_EQ(plan.pipeline, "app");
    EXPECT_TRUE(plan.is_default);
    EXPECT_EQ(plan.source, m_dir / "src");
    EXPECT_EQ(plan.build_dir, m_dir / "build");
    EXPECT_EQ(plan.store, "/store");
    EXPECT_EQ(plan.exclude, std::vector<std::string>{"*.log"});
    ASSERT_EQ(plan.stages.size(), 2U);
    EXPECT_FALSE(plan.stages[0].inputs) << "all of the source";
    const Stage& build = plan.stage("build");
    EXPECT_EQ(build.inputs, std::vector<std::string>{"*.c"});
    EXPECT_EQ(build.from, "deps-installed");
    EXPECT_EQ(build.checkpoint, "build-complete");
    EXPECT_EQ(build.environment.at("A"), "1");
    EXPECT_EQ(build.timeout, std::chrono::seconds(60));
    EXPECT_FALSE(build.network);
    EXPECT_EQ(plan.test("pytest").command, "cat out");
}

TEST_F(PlanTest, KnowsWhereThingsAre) {
    const Plan plan = make_plan(m_json);
    const auto state = m_dir / "build/.mstage/app";
    EXPECT_EQ(plan.marker_path("deps-installed"), state / "deps-installed.checkpoint");
    EXPECT_EQ(plan.depfile_path("scan"), state / "scan.d");
    EXPECT_EQ(plan.inputs_path("build"), state / "build.inputs");
    EXPECT_EQ(plan.failure_path("deps-installed"), state / "deps-installed.failed");
    const std::string tool = "ninja -C '" + (m_dir / "build").native() + "' ";
    EXPECT_EQ(plan.build_command("build-complete"), tool + "build-complete");
    EXPECT_EQ(plan.build_command("setup-base"), tool + "app.setup-base");
}

TEST_F(PlanTest, MayBeThatOfAConfiguration) {
    EXPECT_EQ(make_plan(m_json).full_name("build-complete"), "app.build-complete");
    m_json["config"] = "Release";
    m_json["default_config"] = "Debug";
    const Plan plan = make_plan(m_json);
    EXPECT_EQ(plan.config, "Release");
    EXPECT_EQ(plan.default_config, "Debug");
    EXPECT_EQ(plan.full_name("build-complete"), "app.build-complete:Release");
}

TEST_F(PlanTest, FindsStagesTestsAndCheckpoints) {
    const Plan plan = make_plan(m_json);
    EXPECT_EQ(error_of<UsageError>([&] { plan.stage("none"); }).message(),
              "pipeline 'app' has no stage 'none'");
    EXPECT_EQ(error_of<UsageError>([&] { plan.test("none"); }).message(),
              "pipeline 'app' has no test 'none'");
    EXPECT_EQ(plan.stage_of_checkpoint("build-complete"), &plan.stages[1]);
    EXPECT_EQ(plan.stage_of_checkpoint("setup-base"), nullptr);
    EXPECT_TRUE(plan.has_checkpoint("setup-base"));
    EXPECT_TRUE(plan.has_checkpoint("deps-installed"));
    EXPECT_FALSE(plan.has_checkpoint("build"));
}

TEST_F(PlanTest, NamesTheFieldThatIsMissing) {
    for (const auto& [name, value] : m_json.items()) {
        if (value.is_null() || name == "state_dir") {
            continue;  // that one says where the test puts the file
        }
        SCOPED_TRACE(name);
        Json json = m_json;
        json.erase(name);
        EXPECT_TRUE(contains(error_for(json), fmt::format("field '{}' is missing", name))) << name;
    }
}

TEST_F(PlanTest, NamesTheStageOrTestThatIsWrong) {
    m_json["stages"][1].erase("command");
    EXPECT_TRUE(error_for(m_json).ends_with(": stages[1]: field 'command' is missing"))
        << error_for(m_json);
    m_json = plan_json(m_dir / "build");
    m_json["tests"][0]["timeout"] = "long";
    EXPECT_TRUE(error_for(m_json).ends_with(": tests[0]: field 'timeout' has the wrong type"));
    m_json["stages"] = {"text"};
    EXPECT_TRUE(error_for(m_json).ends_with(": stages[0]: field 'name' is missing"));
}

TEST_F(PlanTest, OfAnotherVersionIsRefused) {
    m_json["version"] = 2;
    EXPECT_TRUE(error_for(m_json).ends_with("version 2 is not known to this mstage"));
}

TEST_F(PlanTest, MayHaveFieldsThatWeDoNotKnow) {
    m_json["later"] = {1, 2};
    m_json["stages"][0]["later"] = true;
    EXPECT_EQ(make_plan(m_json).stages.size(), 2U);
}

TEST_F(PlanTest, MayLackWhatTheFirstVersionsDidNotHave) {
    const Plan before = make_plan(m_json);
    EXPECT_EQ(before.stage("build").user, "");
    EXPECT_TRUE(before.stage("build").caches.empty());
    m_json["stages"][1]["user"] = "builder:users";
    m_json["stages"][1]["caches"] = {"/var/cache,sharing=locked", "/a,id=x"};
    const Stage build = make_plan(m_json).stage("build");
    EXPECT_EQ(build.user, "builder:users");
    ASSERT_EQ(build.caches.size(), 2U);
    EXPECT_EQ(build.caches[0].id, "x");
    EXPECT_EQ(build.caches[1].sharing, engine::CacheSharing::locked);
    m_json["stages"][1]["caches"] = {"nowhere"};
    EXPECT_TRUE(
        contains(error_for(m_json), "stages[1]: cache 'nowhere': the path in the image must"));
}

TEST_F(PlanTest, HasToBeThereAndJson) {
    EXPECT_TRUE(contains(error_of([&] { read_plan(m_dir / "none.json"); }).message(), "none.json"));
    write_file_atomically(m_dir / "bad.json", "{");
    const std::string message = error_of([&] { read_plan(m_dir / "bad.json"); }).message();
    EXPECT_TRUE(contains(message, "bad.json': content: not valid JSON")) << message;
}

}  // namespace
}  // namespace mstage::pipeline
