#include "pipeline/history.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "pipeline/failures.hpp"
#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

using engine::ImageId;
using engine::RunId;
using namespace std::chrono_literals;

class HistoryTest : public ::testing::Test {
protected:
    HistoryEntry entry(HistoryEvent event, const std::optional<ImageId>& image,
                       const std::string& checkpoint = "build-complete") const {
        return {.time = parse_time("2026-01-31T12:00:00.123456Z"),
                .checkpoint = checkpoint,
                .event = event,
                .image = image};
    }
    void append(HistoryEvent event, const std::optional<ImageId>& image,
                const std::string& checkpoint = "build-complete") {
        append_history(m_plan, {entry(event, image, checkpoint)});
    }
    std::vector<ImageId> images() const {
        std::vector<ImageId> found;
        for (const HistoryEntry& one : read_generations(m_plan, "build-complete")) {
            found.push_back(one.image.value());
        }
        return found;
    }
    std::filesystem::path file() const { return m_plan.state_dir / "history"; }
    void append_raw(const std::string& text) const {
        const Fd fd = open_fd(file(), O_WRONLY | O_CREAT | O_APPEND, 0666);
        write_all(fd.get(), text);
    }

    test::TempDir m_dir;
    Plan m_plan = make_plan(plan_json(m_dir / "build"));
    ImageId m_a = ImageId::generate();
    ImageId m_b = ImageId::generate();
};

TEST_F(HistoryTest, IsEmptyAtFirst) {
    EXPECT_TRUE(read_history(m_plan).empty());
    EXPECT_TRUE(images().empty());
    append_history(m_plan, {});
    EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(HistoryTest, ComesBackWithAllFields) {
    HistoryEntry written = entry(HistoryEvent::ran, m_a);
    written.parent = m_b;
    written.key = std::string(64, 'a');
    written.run = RunId::generate();
    written.duration_s = 1.5;
    written.phases = {{"key", parse_time("2026-01-31T12:00:00.000001Z"), 250ms}};
    written.pinned = true;
    append_history(m_plan, {written, entry(HistoryEvent::rolled_back, std::nullopt, "other")});
    const auto read = read_history(m_plan);
    ASSERT_EQ(read.size(), 2U);
    EXPECT_EQ(to_json(read[0]), to_json(written));
    EXPECT_EQ(to_json(read[0]).at("phases").at(0).at("duration_s"), 0.25);
    EXPECT_EQ(to_json(read[1]).at("event"), "rolled-back");
    const std::string text = read_file(file());
    for (const char* field : {"version", "time", "checkpoint", "event", "image", "parent", "key",
                              "run", "duration_s", "phases", "pinned", "end"}) {
        EXPECT_TRUE(parse_json(text.substr(0, text.find('\n')), "line").contains(field)) << field;
    }
    EXPECT_EQ(read_history(m_plan, "other").size(), 1U);
    EXPECT_EQ(read_history(m_plan, "oth").size(), 0U);
}

TEST_F(HistoryTest, KnowsHowAnAttemptEnded) {
    HistoryEntry failed = entry(HistoryEvent::failed, m_a);
    for (const auto& [end, word] :
         {std::pair(AttemptEnd::failed, "failed"), std::pair(AttemptEnd::timed_out, "timed-out"),
          std::pair(AttemptEnd::interrupted, "interrupted")}) {
        failed.end = end;
        append_history(m_plan, {failed});
        EXPECT_EQ(read_history(m_plan).back().end, end);
        EXPECT_STREQ(to_word(read_history(m_plan).back()), word);
        EXPECT_EQ(to_json(failed).at("end"), word);
    }
    EXPECT_EQ(to_json(entry(HistoryEvent::ran, m_a)).at("end"), Json());
    Json without = to_json(failed);
    without.erase("end");
    append_raw(dump_json(without) + "\n");
    EXPECT_EQ(read_history(m_plan).back().end, AttemptEnd::failed);
    engine::Outcome outcome;
    EXPECT_EQ(end_of(outcome), AttemptEnd::failed);
    outcome.timed_out = true;
    EXPECT_EQ(end_of(outcome), AttemptEnd::timed_out);
    outcome.interrupted_by = 2;
    EXPECT_EQ(end_of(outcome), AttemptEnd::interrupted);
}

TEST_F(HistoryTest, SkipsWhatItCannotRead) {
    append(HistoryEvent::ran, m_a);
    append_raw("garbage\n\n{\"version\":1}\n[]\n");
    append_raw(R"({"version":2,"time":"2026-01-31T12:00:00.123456Z","checkpoint":"build-complete",)"
               R"("event":"ran","phases":[],"pinned":false})"
               "\n");
    append_raw("{\"version\":1,\"time\":\"20");  // torn: no end of line
    append(HistoryEvent::ran, m_b);
    EXPECT_EQ(images(), (std::vector{m_a, m_b}));
}

TEST_F(HistoryTest, KeepsTheLastThousandOfTwo) {
    std::vector<HistoryEntry> many(2000, entry(HistoryEvent::ran, m_a));
    append_history(m_plan, many);
    EXPECT_EQ(read_history(m_plan).size(), 2000U);
    append(HistoryEvent::ran, m_b);
    const auto left = read_history(m_plan);
    EXPECT_EQ(left.size(), 1000U);
    EXPECT_EQ(left.back().image, m_b);
}

TEST_F(HistoryTest, LosesNothingOfWritersAtOnce) {
    constexpr int k_writers = 4;
    constexpr int k_each = 50;
    std::vector<std::unique_ptr<test::Process>> writers;
    for (int i = 0; i < k_writers; ++i) {
        writers.push_back(std::make_unique<test::Process>([this] {
            for (int j = 0; j < k_each; ++j) {
                append(HistoryEvent::ran, m_a);
            }
            return 0;
        }));
    }
    for (auto& writer : writers) {
        EXPECT_TRUE(writer->wait().ok());
    }
    EXPECT_EQ(read_history(m_plan).size(), size_t{k_writers * k_each});
}

TEST_F(HistoryTest, GenerationsAreWhatTheCheckpointWas) {
    append(HistoryEvent::ran, m_a);
    append(HistoryEvent::failed, ImageId::generate());
    append(HistoryEvent::restored, m_a);
    append(HistoryEvent::ran, m_b, "other");
    append(HistoryEvent::ran, m_b);
    append(HistoryEvent::dropped, m_b);
    append(HistoryEvent::undone, std::nullopt);
    append(HistoryEvent::ran, m_b);
    append(HistoryEvent::rolled_back, m_a);
    append(HistoryEvent::unpinned, m_a);
    EXPECT_EQ(images(), (std::vector{m_a, m_b, m_a}));
}

TEST_F(HistoryTest, TheMarkerIsTheLastGeneration) {
    append(HistoryEvent::ran, m_a);
    write_checkpoint(m_plan,
                     {.name = "build-complete", .image = m_b, .parent = m_a, .key = "some"});
    const auto found = read_generations(m_plan, "build-complete");
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found.back().image, m_b);
    EXPECT_EQ(found.back().parent, m_a);
    EXPECT_EQ(found.back().key, "some");
}

/// What the stages write.
class StageHistoryTest : public PipelineTest {
protected:
    std::string events() const {
        std::string text;
        for (const HistoryEntry& entry : read_history(m_plan)) {
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", entry.checkpoint,
                                to_string(entry.event));
        }
        return text;
    }
};

TEST_F(StageHistoryTest, HasALineForEveryChange) {
    build("build-complete");
    EXPECT_EQ(events(), "setup-base imported, deps-installed ran, build-complete ran");
    build("setup-base");
    build("build-complete");
    EXPECT_EQ(read_history(m_plan).size(), 3U) << "markers that were left alone";
    remove_checkpoint(m_plan, "setup-base");
    remove_checkpoint(m_plan, "deps-installed");
    build("build-complete");
    EXPECT_TRUE(events().ends_with("setup-base restored, deps-installed restored")) << events();
}

TEST_F(StageHistoryTest, TellsOfTheRun) {
    build("deps-installed");
    const HistoryEntry ran = read_history(m_plan, "deps-installed").at(0);
    const Checkpoint marker = get_checkpoint(m_plan, "deps-installed");
    EXPECT_EQ(ran.image, marker.image);
    EXPECT_EQ(ran.parent, marker.parent);
    EXPECT_EQ(ran.key, marker.key);
    EXPECT_EQ(ran.run, m_engine.image(marker.image).run);
    EXPECT_GT(ran.duration_s.value(), 0);
    EXPECT_FALSE(ran.pinned);
    stage("install").command = "exit 3";
    EXPECT_FALSE(build("deps-installed").ok);
    const HistoryEntry failed = read_history(m_plan, "deps-installed").at(1);
    EXPECT_EQ(failed.event, HistoryEvent::failed);
    EXPECT_EQ(failed.image, read_failure(m_plan, "deps-installed")->state);
    EXPECT_EQ(failed.run, read_failure(m_plan, "deps-installed")->run);
    EXPECT_GT(failed.duration_s.value(), 0);
}

}  // namespace
}  // namespace mstage::pipeline
