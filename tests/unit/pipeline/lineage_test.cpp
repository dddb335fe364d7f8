#include "pipeline/lineage.hpp"

#include "pipeline/failures.hpp"
#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

class LineageTest : public PipelineTest {
protected:
    std::optional<BuildTree> tree() const { return BuildTree::find(m_dir / "build"); }
    engine::Image image_of(const std::string& checkpoint) {
        return m_engine.image(get_checkpoint(m_plan, checkpoint).image);
    }
    using Names = std::vector<std::string>;
};

TEST_F(LineageTest, IsTheWayFromTheBase) {
    build("build-complete");
    m_engine.set_tag("latest", image_of("build-complete").id);
    const Lineage lineage = lineage_of(m_engine, tree(), image_of("build-complete"));
    ASSERT_EQ(lineage.chain.size(), 3U);
    EXPECT_FALSE(lineage.lost);
    EXPECT_EQ(lineage.chain[0].names, Names{"app.setup-base"});
    EXPECT_EQ(lineage.chain[1].names, Names{"app.deps-installed"});
    EXPECT_EQ(lineage.chain[1].image.command, "echo installed > /root/deps");
    EXPECT_EQ(lineage.chain[2].names, (Names{"app.build-complete", "tag:latest"}));
    EXPECT_GT(lineage.chain[0].own_size, 1'000'000U);
    EXPECT_LT(lineage.chain[1].own_size, 1'000'000U);
}

TEST_F(LineageTest, OfAFailedState) {
    stage("build").command = "echo half > half; exit 3";
    EXPECT_FALSE(build("build-complete").ok);
    const auto failure = read_failure(m_plan, "build-complete");
    const Lineage lineage = lineage_of(m_engine, tree(), m_engine.image(failure->state));
    ASSERT_EQ(lineage.chain.size(), 3U);
    EXPECT_EQ(lineage.chain[2].names, Names{"app.build-complete@failed"});
    EXPECT_EQ(lineage.chain[2].image.state, engine::ImageState::failed);
    EXPECT_TRUE(lineage.chain[2].image.key);
    EXPECT_EQ(lineage.chain[2].image.key_parts.at("command"), "echo half > half; exit 3");
}

TEST_F(LineageTest, NamesEarlierGenerations) {
    build("build-complete");
    const engine::Image first = image_of("build-complete");
    stage("build").command = "true > other";
    build("build-complete");
    EXPECT_EQ(lineage_of(m_engine, tree(), first).chain[2].names, Names{"app.build-complete@-1"});
    EXPECT_EQ(lineage_of(m_engine, tree(), image_of("build-complete")).chain[2].names,
              Names{"app.build-complete"});
}

TEST_F(LineageTest, SaysWhatIsLost) {
    build("build-complete");
    const engine::ImageId lost = image_of("deps-installed").id;
    std::filesystem::remove(m_engine.witness(lost));
    const Lineage lineage = lineage_of(m_engine, tree(), image_of("build-complete"));
    ASSERT_EQ(lineage.chain.size(), 1U);
    EXPECT_EQ(lineage.lost, lost);
}

TEST_F(LineageTest, TellsWhatWasMadeFromAnImage) {
    build("build-complete");
    const engine::ImageId deps = image_of("deps-installed").id;
    const engine::ImageId extra = made_by(deps, "echo x > /root/x");
    const Descendant root = descendants_of(m_engine, std::nullopt, image_of("setup-base"));
    ASSERT_EQ(root.children.size(), 1U);
    EXPECT_EQ(root.children[0].entry.image.id, deps);
    EXPECT_TRUE(root.children[0].entry.names.empty());
    ASSERT_EQ(root.children[0].children.size(), 2U);
    EXPECT_EQ(root.children[0].children[0].entry.image.id, image_of("build-complete").id);
    EXPECT_EQ(root.children[0].children[1].entry.image.id, extra);
}

}  // namespace
}  // namespace mstage::pipeline
