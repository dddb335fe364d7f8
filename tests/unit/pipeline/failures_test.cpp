#include "pipeline/failures.hpp"

#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

namespace fs = std::filesystem;
using engine::ImageId;

class FailuresTest : public PipelineTest {
protected:
    static Failure some_failure() { return {engine::RunId::generate(), ImageId::generate()}; }
    /// A failed state that the store has, with a layer of its own.
    Failure real_failure() {
        const engine::RunResult result = m_engine.run(shell(base(), "echo half > /root/f; exit 3"));
        return {result.run, result.failed_state.value()};
    }
    Failures failures() const { return read_failures(m_plan, "build-complete"); }
    void add(const Failure& failure) {
        write_failure(m_plan, "build-complete", failure);
        remove_leftovers(m_engine, m_plan, "build-complete");
    }
};

TEST_F(FailuresTest, AreNoneAtFirst) {
    EXPECT_TRUE(failures().attempts.empty());
    EXPECT_FALSE(read_failure(m_plan, "build-complete"));
    end_failures(m_plan, "build-complete");
    EXPECT_FALSE(fs::exists(m_plan.failure_path("build-complete"))) << "nothing to be told";
}

TEST_F(FailuresTest, ComeBackNewestFirst) {
    const Failure first = some_failure();
    const Failure second = some_failure();
    write_failure(m_plan, "build-complete", first);
    write_failure(m_plan, "build-complete", second);
    const std::vector<Failure> attempts = failures().attempts;
    ASSERT_EQ(attempts.size(), 2U);
    EXPECT_EQ(attempts[0].state, second.state);
    EXPECT_EQ(attempts[1].run, first.run);
    EXPECT_EQ(read_failure(m_plan, "build-complete").value().state, second.state);
}

TEST_F(FailuresTest, AreKeptAfterAnAttemptThatWentWell) {
    write_failure(m_plan, "build-complete", some_failure());
    end_failures(m_plan, "build-complete");
    EXPECT_FALSE(read_failure(m_plan, "build-complete")) << "the last one was good";
    EXPECT_EQ(failures().attempts.size(), 1U);
    write_failure(m_plan, "build-complete", some_failure());
    EXPECT_TRUE(read_failure(m_plan, "build-complete"));
    EXPECT_EQ(failures().attempts.size(), 2U);
}

TEST_F(FailuresTest, OfTheFirstVersionAreRead) {
    const Failure failure = some_failure();
    write_file_atomically(
        m_plan.failure_path("build-complete"),
        dump_json({{"version", 1}, {"run", failure.run.str()}, {"state", failure.state.str()}}));
    EXPECT_EQ(read_failure(m_plan, "build-complete").value().state, failure.state);
    write_failure(m_plan, "build-complete", some_failure());
    EXPECT_EQ(failures().attempts.back().state, failure.state);
}

TEST_F(FailuresTest, ThatAreNotWholeAreNone) {
    for (const char* text : {"", "{", "[]", "{}", "{\"version\": 3}", "{\"version\": 1}",
                             "{\"version\": 2, \"attempts\": [5]}",
                             "{\"version\": 1, \"run\": 5, \"state\": \"x\"}"}) {
        write_file_atomically(m_plan.failure_path("build-complete"), text);
        EXPECT_TRUE(failures().attempts.empty()) << text;
        EXPECT_FALSE(read_failure(m_plan, "build-complete")) << text;
    }
}

TEST_F(FailuresTest, AreThreeAndThoseBeforeLeaveTheStore) {
    std::vector<Failure> all;
    for (int i = 0; i < 5; ++i) {
        all.push_back(real_failure());
        add(all.back());
    }
    EXPECT_EQ(failures().attempts.size(), 3U);
    EXPECT_TRUE(failures().leftovers.empty());
    for (size_t i = 0; i < all.size(); ++i) {
        EXPECT_EQ(m_engine.find(all[i].state).has_value(), i >= 2) << i;
    }
    EXPECT_EQ(content_of(all[2].state, "/root/f"), "half\n");
    EXPECT_EQ(entries_in("layers"), 1 + 3U) << "of the base and of three states";
}

TEST_F(FailuresTest, OneWithATagStaysAndIsForgotten) {
    const Failure tagged = real_failure();
    m_engine.set_tag("keep", tagged.state);
    add(tagged);
    for (int i = 0; i < 3; ++i) {
        add(real_failure());
    }
    EXPECT_TRUE(m_engine.find(tagged.state));
    EXPECT_TRUE(failures().leftovers.empty());
}

TEST_F(FailuresTest, NeverTakeAnImageThatIsNoFailedState) {
    const ImageId good = made_by(base(), "echo good > /root/f");
    EXPECT_EQ(m_engine.remove_failed_state(good), engine::Removal::removed);
    EXPECT_EQ(content_of(good, "/root/f"), "good\n");
}

TEST_F(FailuresTest, OneThatAnImageWasMadeOfLeavesItsLayer) {
    const Failure failure = real_failure();
    const ImageId mended = made_by(failure.state, "echo more >> /root/f");
    add(failure);
    for (int i = 0; i < 3; ++i) {
        add(real_failure());
    }
    EXPECT_FALSE(m_engine.find(failure.state));
    EXPECT_EQ(content_of(mended, "/root/f"), "half\nmore\n");
}

TEST_F(FailuresTest, WithoutAChangeTakesNobodysLayer) {
    const engine::RunResult result = m_engine.run(shell(base(), "exit 3"));
    EXPECT_EQ(m_engine.remove_failed_state(result.failed_state.value()), engine::Removal::removed);
    EXPECT_FALSE(m_engine.find(*result.failed_state));
    EXPECT_EQ(output_of(base(), "echo usable"), "usable\n");
}

}  // namespace
}  // namespace mstage::pipeline
