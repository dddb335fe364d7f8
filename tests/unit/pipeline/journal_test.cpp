#include "pipeline/journal.hpp"

#include "base/file.hpp"
#include "pipeline/test_runs.hpp"
#include "pipeline_fixture.hpp"
#include "support.hpp"

namespace mstage::pipeline {
namespace {

class JournalTest : public ::testing::Test {
protected:
    static std::string line(int number) {
        return std::to_string(number) + std::string(100, '.') + "\n";
    }
    test::TempDir m_dir;
    std::filesystem::path m_path = m_dir / "journal";
};

TEST_F(JournalTest, IsOldestFirst) {
    EXPECT_TRUE(read_journal(m_path).empty());
    append_journal(m_path, line(1));
    append_journal(m_path, line(2) + line(3));
    EXPECT_EQ(read_file(m_path), line(1) + line(2) + line(3));
    EXPECT_EQ(read_journal(m_path).size(), 3U);
    EXPECT_EQ(read_journal(m_path, "2.").size(), 1U);
}

TEST_F(JournalTest, LosesNoMoreThanATornLine) {
    write_file_atomically(m_path, "torn");
    append_journal(m_path, line(1));
    EXPECT_EQ(read_file(m_path), "torn\n" + line(1));
}

TEST_F(JournalTest, KeepsTheNewestOfMany) {
    std::string many;
    for (int number = 1; number <= 2000; ++number) {
        many += line(number);
    }
    append_journal(m_path, many);
    EXPECT_EQ(read_journal(m_path).size(), 2000U);
    append_journal(m_path, line(2001));
    const auto lines = read_journal(m_path);
    ASSERT_EQ(lines.size(), 1000U);
    EXPECT_EQ(lines.front() + "\n", line(1002));
    EXPECT_EQ(lines.back() + "\n", line(2001));
}

TEST_F(JournalTest, OfSeveralWritersHasAllLines) {
    std::vector<std::unique_ptr<test::Process>> writers;
    for (int writer = 0; writer < 4; ++writer) {
        writers.push_back(std::make_unique<test::Process>([&] {
            for (int number = 0; number < 25; ++number) {
                append_journal(m_path, line(number));
            }
            return 0;
        }));
    }
    for (const auto& writer : writers) {
        writer->wait();
    }
    EXPECT_EQ(read_journal(m_path).size(), 100U);
}

class TestRunsTest : public PipelineTest {};

TEST_F(TestRunsTest, AreWhatRunsOfTestsLeave) {
    ASSERT_TRUE(build("build-complete").ok);
    EXPECT_TRUE(read_test_runs(m_plan).empty());
    const engine::RunResult good = run_test(context(), m_plan, m_plan.test("pytest"), {});
    m_plan.tests[0].command = "exit 7";
    run_test(context(), m_plan, m_plan.test("pytest"), {});
    write_file_atomically(m_plan.state_dir / "tests",
                          read_file(m_plan.state_dir / "tests") + "{\"version\": 2}\n{torn");
    const std::vector<TestRun> results = read_test_runs(m_plan);
    ASSERT_EQ(results.size(), 2U);
    EXPECT_EQ(results[0].test, "pytest");
    EXPECT_EQ(results[0].run, good.run);
    EXPECT_EQ(results[0].image, get_checkpoint(m_plan, "build-complete").image);
    EXPECT_EQ(results[0].outcome.code, 0);
    EXPECT_EQ(results[0].outcome.usage.peak_memory, good.outcome.usage.peak_memory);
    EXPECT_LT(std::chrono::abs(results[0].outcome.usage.wall - good.outcome.usage.wall),
              std::chrono::microseconds(1));
    EXPECT_EQ(results[1].outcome.code, 7);
    EXPECT_TRUE(results[0].passed);
    EXPECT_FALSE(results[1].passed);
    EXPECT_LE(results[0].time, results[1].time);
}

}  // namespace
}  // namespace mstage::pipeline
