#include "pipeline/pins.hpp"

#include "pipeline/history.hpp"
#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

using engine::ImageId;
using test::contains;
using test::error_of;

class PinsTest : public PipelineTest {
protected:
    Checkpoint marker(const std::string& checkpoint) const {
        return get_checkpoint(m_plan, checkpoint);
    }
    void pin(const Checkpoint& checkpoint) const {
        write_pin(m_plan, {.checkpoint = checkpoint, .since = std::chrono::system_clock::now()});
    }
    size_t runs() const { return entries_in("runs"); }
};

TEST_F(PinsTest, ComeBackFromTheirFiles) {
    EXPECT_FALSE(read_pin(m_plan, "build-complete"));
    const Checkpoint checkpoint{.name = "build-complete",
                                .image = ImageId::generate(),
                                .parent = ImageId::generate(),
                                .key = std::string(64, 'a')};
    pin(checkpoint);
    EXPECT_EQ(read_pin(m_plan, "build-complete")->checkpoint, checkpoint);
    retire(m_plan, std::string(64, 'b'), "build-complete");
    EXPECT_TRUE(is_retired(m_plan, std::string(64, 'b')));
    const PlanState state = read_plan_state(m_plan);
    EXPECT_TRUE(state.markers.empty());
    EXPECT_EQ(state.pins.at("build-complete").checkpoint, checkpoint);
    EXPECT_EQ(state.retired, std::set{std::string(64, 'b')});
    remove_pin(m_plan, "build-complete");
    unretire(m_plan, std::string(64, 'b'));
    unretire(m_plan, std::string(64, 'b'));
    EXPECT_FALSE(read_pin(m_plan, "build-complete"));
    EXPECT_FALSE(is_retired(m_plan, std::string(64, 'b')));
}

TEST_F(PinsTest, APinnedStageIsLeftAloneAndSaysSo) {
    build("deps-installed");
    const Checkpoint first = marker("deps-installed");
    pin(first);
    stage("install").command = "echo other > /root/deps";
    const StageResult result = build("deps-installed");
    EXPECT_TRUE(result.ok);
    EXPECT_TRUE(contains(result.text, "pinned")) << result.text;
    EXPECT_TRUE(contains(result.text, "rollback --unpin app.deps-installed")) << result.text;
    EXPECT_EQ(marker("deps-installed"), first);
    EXPECT_TRUE(contains(read_file(m_plan.depfile_path("deps-installed")), never_there(m_plan)));
    remove_pin(m_plan, "deps-installed");
    EXPECT_TRUE(build("deps-installed").ok);
    EXPECT_NE(marker("deps-installed").image, first.image);
    EXPECT_FALSE(contains(read_file(m_plan.depfile_path("deps-installed")), never_there(m_plan)));
}

TEST_F(PinsTest, AMarkerThatIsGoneComesBackFromThePin) {
    build("deps-installed");
    const Checkpoint first = marker("deps-installed");
    const Checkpoint base = marker("setup-base");
    pin(first);
    pin(base);
    remove_checkpoint(m_plan, "deps-installed");
    remove_checkpoint(m_plan, "setup-base");
    build("deps-installed");
    EXPECT_EQ(marker("deps-installed"), first);
    EXPECT_EQ(marker("setup-base"), base);
    EXPECT_TRUE(read_history(m_plan, "deps-installed").back().pinned);
}

TEST_F(PinsTest, APinnedImageThatTheStoreLostIsAnError) {
    build("deps-installed");
    pin(marker("deps-installed"));
    std::filesystem::remove(m_engine.witness(marker("deps-installed").image));
    const Error error = error_of([&] { build("deps-installed"); });
    EXPECT_TRUE(contains(error.message(), "which the store has lost")) << error.message();
    EXPECT_TRUE(contains(error.hint(), "rollback --unpin app.deps-installed")) << error.hint();
}

TEST_F(PinsTest, ARetiredKeyIsRunAndThenNoLongerRetired) {
    build("deps-installed");
    const Checkpoint first = marker("deps-installed");
    remove_checkpoint(m_plan, "deps-installed");
    retire(m_plan, *first.key, "deps-installed");
    build("deps-installed");
    const Checkpoint second = marker("deps-installed");
    EXPECT_EQ(runs(), 2U);
    EXPECT_EQ(second.key, first.key);
    EXPECT_NE(second.image, first.image);
    EXPECT_FALSE(is_retired(m_plan, *first.key));
    remove_checkpoint(m_plan, "deps-installed");
    build("deps-installed");
    EXPECT_EQ(marker("deps-installed"), second) << "the key points at the new image";
    EXPECT_EQ(runs(), 2U);
}

TEST_F(PinsTest, ARetiredKeyStaysRetiredAfterAFailure) {
    stage("install").command = "test -e /app/go && echo x > /root/deps";
    write_file_atomically(m_dir / "src/go", "");
    build("deps-installed");
    const std::string key = *marker("deps-installed").key;
    retire(m_plan, key, "deps-installed");
    remove_checkpoint(m_plan, "deps-installed");
    std::filesystem::remove(m_dir / "src/go");
    EXPECT_FALSE(build("deps-installed").ok);
    EXPECT_TRUE(is_retired(m_plan, key));
}

TEST_F(PinsTest, AMarkerStaysWhenAnotherTreeMadeItsKeyAgain) {
    build("deps-installed");
    const Checkpoint first = marker("deps-installed");
    m_engine.set_key(*first.key, marker("setup-base").image);
    const StageResult result = build("deps-installed");
    EXPECT_TRUE(contains(result.text, "(unchanged)")) << result.text;
    EXPECT_EQ(marker("deps-installed"), first);
}

}  // namespace
}  // namespace mstage::pipeline
