#include "pipeline/ninja_reasons.hpp"

#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

using Strings = std::vector<std::string>;

class NinjaReasonsTest : public ::testing::Test {
protected:
    NinjaLook parse(const std::string& output) const {
        return parse_explanations(m_plan, "build-complete", output);
    }
    Strings reasons(const std::string& message) const {
        Strings texts;
        for (const NinjaReason& reason : parse("ninja explain: " + message + "\n").reasons) {
            texts.push_back(reason.text);
            EXPECT_EQ(reason.message, message);
        }
        return texts;
    }

    test::TempDir m_dir;
    Plan m_plan = make_plan(plan_json(m_dir / "build"));
    std::string m_marker = ".mstage/app/build-complete.checkpoint";
};

TEST_F(NinjaReasonsTest, AreThoseOfTheMarkerItself) {
    EXPECT_EQ(reasons("output " + m_marker + " doesn't exist"), Strings{"its marker is not there"});
    EXPECT_EQ(reasons("output " + m_plan.marker_path("build-complete").native() + " doesn't exist"),
              Strings{"its marker is not there"});
    EXPECT_EQ(reasons("command line changed for " + m_marker),
              Strings{"its command line in build.ninja has changed"});
    EXPECT_EQ(reasons("command line not found in log for " + m_marker),
              Strings{"Ninja has no record of having made it"});
    for (const char* other :
         {"output .mstage/app/deps-installed.checkpoint doesn't exist", ".mstage/app/x is dirty",
          "command line changed for x.mstage/app/build-complete.checkpoint",
          "output .mstage/app/build-complete.checkpoint.other doesn't exist"}) {
        EXPECT_EQ(reasons(other), Strings{}) << other;
    }
}

TEST_F(NinjaReasonsTest, NameWhatIsNewer) {
    EXPECT_EQ(reasons("output " + m_marker +
                      " older than most recent input .mstage/app/build.inputs (5 vs 6)"),
              Strings{"its marker is older than the list of source files of stage 'build'"});
    EXPECT_EQ(reasons("restat of output " + m_marker +
                      " older than most recent input .mstage/app/plan.json (5 vs 6)"),
              Strings{"its marker is older than the plan, which CMake writes"});
    EXPECT_EQ(reasons("recorded mtime of " + m_marker + " older than most recent input " +
                      m_plan.marker_path("deps-installed").native() + " (5 vs 6)"),
              Strings{"its marker was, when Ninja last made it, older than the marker of "
                      "deps-installed"});
    EXPECT_EQ(reasons("output " + m_marker + " older than most recent input /x (y) z (5 vs 6)"),
              Strings{"its marker is older than '/x (y) z'"});
}

TEST_F(NinjaReasonsTest, TellWhatElseNinjaWouldDo) {
    EXPECT_TRUE(parse("ninja: no work to do.\n").no_work);
    EXPECT_FALSE(parse("[1/1] app: build\n").no_work);
    EXPECT_TRUE(parse("[0/1] Re-running CMake...\n").configures);
    EXPECT_FALSE(parse("[1/1] app: build\n").configures);
    EXPECT_TRUE(parse("").reasons.empty());
}

TEST_F(NinjaReasonsTest, OnlyNinjaIsAsked) {
    m_plan.build_tool = "cmake --build /x --target";
    EXPECT_FALSE(ask_ninja(m_plan, "build-complete"));
}

}  // namespace
}  // namespace mstage::pipeline
