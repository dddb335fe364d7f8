#include "pipeline/build_tree.hpp"

#include "pipeline/failures.hpp"
#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

namespace fs = std::filesystem;
using engine::ImageId;
using test::contains;
using test::error_of;

class BuildTreeTest : public engine::EngineTest {
protected:
    BuildTreeTest() {
        make_plan(plan_json(m_dir / "build", "alpha", false));
        m_second = make_plan(plan_json(m_dir / "build", "zeta", true));
        m_first = make_plan(plan_json(m_dir / "build", "beta", false));
    }
    ImageId resolve(const std::string& text) {
        return resolve_image(m_engine, BuildTree::find(m_dir / "build"), text);
    }
    ImageId mark(const Plan& plan, const std::string& checkpoint) {
        const ImageId image = ImageId::generate();
        write_checkpoint(plan, {.name = checkpoint, .image = image, .parent = {}, .key = {}});
        return image;
    }

    Plan m_first;
    Plan m_second;
};

TEST_F(BuildTreeTest, IsFoundFromBelow) {
    fs::create_directories(m_dir / "build/sub/deeper");
    for (const char* start :
         {"build", "build/sub/deeper", "build/sub/../sub", "build/.mstage/zeta"}) {
        const auto tree = BuildTree::find(m_dir / start);
        ASSERT_TRUE(tree) << start;
        EXPECT_EQ(tree->directory(), m_dir / "build");
    }
    EXPECT_FALSE(BuildTree::find(m_dir.path()));
    EXPECT_FALSE(BuildTree::find("/"));
}

TEST_F(BuildTreeTest, IsTheNearestThatHasPipelines) {
    fs::create_directories(m_dir / "build/sub/.mstage/empty");
    EXPECT_EQ(BuildTree::find(m_dir / "build/sub")->directory(), m_dir / "build");
    make_plan(plan_json(m_dir / "build/sub"));
    EXPECT_EQ(BuildTree::find(m_dir / "build/sub")->directory(), m_dir / "build/sub");
}

TEST_F(BuildTreeTest, HasItsFirstPipelineFirst) {
    std::vector<std::string> names;
    const auto tree = BuildTree::find(m_dir / "build");
    for (const Plan& plan : tree->plans()) {
        names.push_back(plan.pipeline);
    }
    EXPECT_EQ(names, (std::vector<std::string>{"zeta", "alpha", "beta"}));
}

TEST_F(BuildTreeTest, ResolvesCheckpoints) {
    const ImageId first = mark(m_first, "build-complete");
    const ImageId second = mark(m_second, "build-complete");
    EXPECT_EQ(resolve("build-complete"), second) << "the build's first pipeline";
    EXPECT_EQ(resolve("zeta.build-complete"), second);
    EXPECT_EQ(resolve("beta.build-complete"), first);
    EXPECT_TRUE(
        contains(error_of([&] { resolve("deps-installed"); }).message(), "has not been built"));
}

TEST_F(BuildTreeTest, ResolvesWhatAFailedAttemptLeft) {
    EXPECT_TRUE(contains(error_of([&] { resolve("build-complete@failed"); }).message(),
                         "there are no states left by failed attempts"));
    const Failure failure{engine::RunId::generate(), ImageId::generate()};
    write_failure(m_second, "build-complete", failure);
    EXPECT_EQ(resolve("build-complete@failed"), failure.state);
    EXPECT_EQ(resolve("zeta.build-complete@failed"), failure.state);
    EXPECT_TRUE(contains(error_of([&] { resolve("build-complete@failed-1"); }).message(),
                         "there is only one state, '@failed', left by failed attempts"));
    const Failure next{engine::RunId::generate(), ImageId::generate()};
    write_failure(m_second, "build-complete", next);
    EXPECT_EQ(resolve("build-complete@failed"), next.state);
    EXPECT_EQ(resolve("build-complete@failed-1"), failure.state);
    EXPECT_THROW(resolve("build-complete@failed-2"), Error);
    EXPECT_THROW(resolve("build-complete@failed-"), UsageError);
    EXPECT_THROW(resolve("build-complete@failed-x"), UsageError);
    EXPECT_TRUE(contains(error_of<UsageError>([&] { resolve("build-complete@last"); }).message(),
                         "'@last' is unknown"));
}

/// A build tree with two pipelines in two configurations.
class ConfigurationsTest : public engine::EngineTest {
protected:
    ConfigurationsTest() {
        for (const char* pipeline : {"app", "lib"}) {
            for (const char* config : {"Debug", "Release"}) {
                Json json = plan_json(m_dir / "build", pipeline, pipeline == std::string("lib"));
                json["config"] = config;
                json["default_config"] = "Release";
                json["state_dir"] = (m_dir / "build/.mstage" / pipeline / config).native();
                const Plan plan = make_plan(json);
                m_images.emplace(plan.full_name("build-complete"), mark(plan));
            }
        }
    }
    static ImageId mark(const Plan& plan) {
        const ImageId image = ImageId::generate();
        write_checkpoint(plan, {.name = "build-complete", .image = image, .parent = {}, .key = {}});
        return image;
    }
    BuildTree tree() { return BuildTree::find(m_dir / "build/.mstage/app/Debug").value(); }

    std::map<std::string, ImageId> m_images;
};

TEST_F(ConfigurationsTest, HaveTheDefaultOneFirst) {
    std::vector<std::string> names;
    const BuildTree all = tree();
    EXPECT_EQ(all.directory(), m_dir / "build");
    for (const Plan& plan : all.plans()) {
        names.push_back(plan.full_name("x"));
    }
    EXPECT_EQ(names, (std::vector<std::string>{"lib.x:Release", "app.x:Release", "lib.x:Debug",
                                               "app.x:Debug"}));
    EXPECT_EQ(resolve_image(m_engine, all, "build-complete"),
              m_images.at("lib.build-complete:Release"));
    EXPECT_EQ(resolve_image(m_engine, all, "app.build-complete"),
              m_images.at("app.build-complete:Release"));
}

TEST_F(ConfigurationsTest, AreChosenByName) {
    BuildTree debug = tree();
    debug.choose_config("Debug");
    EXPECT_EQ(debug.plans().size(), 2U);
    EXPECT_EQ(resolve_image(m_engine, debug, "build-complete"),
              m_images.at("lib.build-complete:Debug"));
    EXPECT_EQ(resolve_image(m_engine, debug, "app.build-complete"),
              m_images.at("app.build-complete:Debug"));
    BuildTree all = tree();
    const Error error = error_of<UsageError>([&] { all.choose_config("Fast"); });
    EXPECT_TRUE(contains(error.message(), "has no configuration 'Fast'")) << error.message();
    EXPECT_EQ(error.hint(), "it has 'Release', 'Debug'");
}

TEST_F(BuildTreeTest, WithOneConfigurationHasNoneToChoose) {
    BuildTree tree = BuildTree::find(m_dir / "build").value();
    const Error error = error_of<UsageError>([&] { tree.choose_config("Debug"); });
    EXPECT_EQ(error.hint(), "it has only one, without a name here");
}

TEST_F(BuildTreeTest, LeavesOtherNamesToTheEngine) {
    const ImageId image = ImageId::generate();
    EXPECT_EQ(resolve(image.str()), image);
    EXPECT_TRUE(contains(error_of([&] { resolve("tag:a@b"); }).message(), "tag 'a@b'"));
}

TEST_F(BuildTreeTest, SaysWhatANameCouldHaveBeen) {
    const Error error = error_of([&] { resolve("no-such-thing"); });
    EXPECT_EQ(error.message(), "'no-such-thing' is no image: neither a checkpoint of build tree '" +
                                   (m_dir / "build").native() + "' nor a UUID nor tag:NAME");
    EXPECT_TRUE(contains(error.hint(), "mstage status"));
    const Error outside =
        error_of([&] { resolve_image(m_engine, std::nullopt, "build-complete"); });
    EXPECT_TRUE(contains(outside.hint(), "-C")) << outside.hint();
}

}  // namespace
}  // namespace mstage::pipeline
