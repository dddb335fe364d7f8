#include "pipeline/report/last_build.hpp"

#include "engine/engine_fixture.hpp"

namespace mstage::pipeline {
namespace {

using std::chrono::seconds;

const TimePoint k_start = parse_time("2026-01-31T12:00:00.000000Z");

HistoryEntry entry(const std::string& checkpoint, int start, int duration,
                   HistoryEvent event = HistoryEvent::ran) {
    HistoryEntry made;
    made.checkpoint = checkpoint;
    made.event = event;
    made.phases = {{"run", k_start + seconds(start), seconds(duration)}};
    return made;
}

std::string names_of(const std::vector<HistoryEntry>& entries) {
    std::string names;
    for (const HistoryEntry& made : entries) {
        names += (names.empty() ? "" : " ") + made.checkpoint;
    }
    return names;
}

TEST(LastBuild, IsInTheOrderOfItsBeginning) {
    EXPECT_EQ(names_of(last_build({})), "");
    // The short branch has ended before the long one, which began earlier.
    EXPECT_EQ(names_of(last_build({entry("base", 0, 5), entry("deps", 5, 10), entry("docs", 16, 2),
                                   entry("build", 15, 60)})),
              "base deps build docs");
}

TEST(LastBuild, BeginsWhereACheckpointIsMadeAgain) {
    EXPECT_EQ(names_of(last_build({entry("base", 0, 5), entry("build", 5, 1, HistoryEvent::failed),
                                   entry("build", 10, 1)})),
              "build");
}

TEST(LastBuild, BeginsAfterALongPause) {
    EXPECT_EQ(names_of(last_build({entry("base", 0, 5), entry("deps", 64, 5)})), "base deps");
    EXPECT_EQ(names_of(last_build({entry("base", 0, 5), entry("deps", 66, 5)})), "deps");
}

TEST(LastBuild, BeginsAfterARollback) {
    HistoryEntry dropped;
    dropped.checkpoint = "build";
    dropped.event = HistoryEvent::dropped;
    EXPECT_EQ(names_of(last_build({entry("base", 0, 5), dropped, entry("deps", 6, 5)})), "deps");
    EXPECT_EQ(names_of(last_build({entry("base", 0, 5), dropped})), "");
}

TEST(LastBuild, SpansAllPhases) {
    HistoryEntry made = entry("deps", 5, 10);
    made.phases.push_back({"commit", k_start + seconds(15), seconds(2)});
    EXPECT_EQ(span_of(made)->start, k_start + seconds(5));
    EXPECT_EQ(span_of(made)->end, k_start + seconds(17));
    EXPECT_FALSE(span_of(HistoryEntry()));
}

/// What a stage leaves that runs a Ninja of its own.
class InnerBuilds : public engine::EngineTest {
protected:
    size_t steps_of(const std::string& command) {
        const engine::ImageId parent = base();
        const TimePoint start = std::chrono::system_clock::now();
        const engine::ImageId image = made_by(parent, "mkdir /b; cd /b; " + command);
        const HistoryEntry made{.checkpoint = "build",
                                .image = image,
                                .parent = parent,
                                .phases = {{"run", start, std::chrono::minutes(1)}}};
        const auto builds =
            inner_builds(m_engine, made, changes_of(m_engine, parent, image).value());
        return builds.empty() ? 0 : builds.front().steps.size();
    }
};

TEST_F(InnerBuilds, AreReadFromLogsOfASensibleSize) {
    const std::string log = "printf '# ninja log v5\\n0\\t7\\t0\\ta.o\\tf1\\n' > .ninja_log";
    EXPECT_EQ(steps_of(log), 1U);
    // The holes take no room here, but they would in our memory.
    EXPECT_EQ(steps_of(log + "; dd if=/dev/null of=.ninja_log bs=1M seek=65"), 0U);
}

}  // namespace
}  // namespace mstage::pipeline
