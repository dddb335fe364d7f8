#include "pipeline/deliveries.hpp"

#include "pipeline/failures.hpp"
#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

namespace fs = std::filesystem;
using test::contains;

class DeliveriesTest : public PipelineTest {
protected:
    DeliveriesTest() {
        stage("build").artifacts = {{.paths = {"/app/*.xml", "/app/log"},
                                     .destination = m_dir / "out",
                                     .record = m_plan.state_dir / "artifacts/1.record"}};
    }
    StageResult build_with(const std::string& command) {
        stage("build").command = command;
        return build("build-complete");
    }
    std::string delivered(const std::string& name) const {
        return read_file_if_exists(m_dir / "out" / name).value_or("(none)");
    }
};

TEST_F(DeliveriesTest, AreMadeOfWhatAFailureLeft) {
    EXPECT_FALSE(build_with("echo bad > a.xml; exit 3").ok);
    EXPECT_EQ(delivered("a.xml"), "bad\n");
    EXPECT_EQ(delivered("log"), "(none)");
    EXPECT_TRUE(m_notes.empty());
}

TEST_F(DeliveriesTest, AreMadeOfAGoodImageRunOrRestored) {
    const std::string good = "echo good > a.xml; echo l > log";
    EXPECT_TRUE(build_with(good).ok);
    EXPECT_EQ(delivered("a.xml"), "good\n");
    EXPECT_EQ(delivered("log"), "l\n");
    EXPECT_FALSE(build_with("echo bad > a.xml; echo b > b.xml; exit 3").ok);
    EXPECT_EQ(delivered("a.xml"), "bad\n");
    EXPECT_EQ(delivered("b.xml"), "b\n");
    EXPECT_EQ(delivered("log"), "(none)") << "it would be another run's";
    EXPECT_TRUE(contains(build_with(good).text, "restored"));
    EXPECT_EQ(delivered("a.xml"), "good\n");
    EXPECT_EQ(delivered("b.xml"), "(none)");
    EXPECT_EQ(delivered("log"), "l\n");
}

TEST_F(DeliveriesTest, LeaveWhatSomebodyChanged) {
    build_with("echo 1 > a.xml; exit 3");
    write_file_atomically(m_dir / "out/a.xml", "edited");
    build_with("exit 3");
    EXPECT_EQ(delivered("a.xml"), "edited");
}

TEST_F(DeliveriesTest, ThatCannotBeMadeAreNoFailureOfTheStage) {
    write_file_atomically(m_dir / "out", "in the way");
    EXPECT_TRUE(build_with("echo good > a.xml").ok);
    ASSERT_EQ(m_notes.size(), 1U);
    EXPECT_TRUE(contains(m_notes.front(), "warning: artifacts of stage 'build'"))
        << m_notes.front();
}

}  // namespace
}  // namespace mstage::pipeline
