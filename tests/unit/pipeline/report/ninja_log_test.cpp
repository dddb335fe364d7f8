#include "pipeline/report/ninja_log.hpp"

#include "support.hpp"

namespace mstage::pipeline {
namespace {

using std::chrono::milliseconds;

const TimePoint k_start = parse_time("2026-01-31T12:00:00.000000Z");
const TimeSpan k_span{k_start, k_start + milliseconds(60000)};

TimePoint at(int ms) {
    return k_start + milliseconds(ms);
}
std::string stamp(int ms) {
    return std::to_string(at(ms).time_since_epoch() / std::chrono::nanoseconds(1));
}

/// "a.o 1000+500, …": output, start after that of the run, duration.
std::string text_of(const std::vector<NinjaStep>& steps) {
    std::string text;
    for (const NinjaStep& step : steps) {
        text +=
            fmt::format("{}{}{} {}+{}", text.empty() ? "" : ", ", step.output,
                        step.outputs > 1 ? fmt::format("({})", step.outputs) : "",
                        (step.start - k_start) / milliseconds(1), step.duration / milliseconds(1));
    }
    return text;
}

TEST(NinjaLog, EndsWhenItWasWritten) {
    for (const char* version : {"5", "6", "7"}) {
        const std::string log = std::string("# ninja log v") + version +
                                "\n0\t700\t0\ta.o\tf1\n0\t900\t0\tb.o\tf2\n900\t1500\t0\tapp\tf3\n";
        EXPECT_EQ(text_of(read_ninja_log(log, at(21500), k_span)),
                  "a.o 20000+700, b.o 20000+900, app 20900+600")
            << version;
    }
}

TEST(NinjaLog, OfAnotherVersionOrKindSaysNothing) {
    for (const char* log : {"", "# ninja log v4\n0\t700\t0\ta.o\tf1\n", "0\t700\t0\ta.o\tf1\n",
                            "# ninja log v8\n0\t700\t0\ta.o\tf1\n", "# ninja log v5\n",
                            "# ninja log v\n0\t700\t0\ta.o\tf1\n"}) {
        EXPECT_EQ(text_of(read_ninja_log(log, at(700), k_span)), "") << log;
    }
}

TEST(NinjaLog, SkipsTornLines) {
    const std::string log =
        "# ninja log v5\n0\t700\t0\ta.o\tf1\nx\t1\t2\tb\tf\n5\t3\t0\tend before "
        "start\tf\n-1\t3\t0\tx\tf\n"
        "1\t99999999999999999999\t0\tx\tf\n700\t900\t0\tb.o\tf2\n900\t15";
    EXPECT_EQ(text_of(read_ninja_log(log, at(900), k_span)), "a.o 0+700, b.o 700+200");
}

TEST(NinjaLog, HasOneStepForACommandWithSeveralOutputs) {
    const std::string log =
        "# ninja log v5\n0\t700\t0\ta.c\tf1\n0\t700\t0\ta.h\tf1\n0\t700\t0\tother\tf2\n";
    EXPECT_EQ(text_of(read_ninja_log(log, at(700), k_span)), "a.c(2) 0+700, other 0+700");
}

TEST(NinjaLog, TellsSeveralNinjasApartByTheirStamps) {
    const std::string log = "# ninja log v5\n0\t700\t" + stamp(1000) + "\ta.o\tf1\n700\t900\t" +
                            stamp(1850) + "\tlib.a\tf2\n0\t300\t" + stamp(5000) + "\tdocs\tf3\n";
    EXPECT_EQ(text_of(read_ninja_log(log, at(5302), k_span)),
              "a.o 1000+700, lib.a 1700+200, docs 5002+300");
}

TEST(NinjaLog, LeavesOutWhatRanBefore) {
    const std::string log = "# ninja log v5\n0\t700\t" + stamp(-90000) + "\told.o\tf1\n0\t300\t" +
                            stamp(5000) + "\tnew.o\tf3\n";
    EXPECT_EQ(text_of(read_ninja_log(log, at(5300), k_span)), "new.o 5000+300");
    EXPECT_EQ(text_of(read_ninja_log("# ninja log v5\n0\t700\t0\told.o\tf1\n", at(-5000), k_span)),
              "");
}

TEST(NinjaLog, OfAFileThatWasTouchedGoesByStamps) {
    const std::string log = "# ninja log v5\n0\t700\t" + stamp(1000) + "\ta.o\tf1\n";
    EXPECT_EQ(text_of(read_ninja_log(log, at(999999), k_span)), "a.o 1000+700");
}

TEST(NinjaLog, StaysWithinTheRun) {
    const std::string log = "# ninja log v5\n0\t60050\t0\ta.o\tf1\n";
    EXPECT_EQ(text_of(read_ninja_log(log, at(60020), k_span)), "a.o 0+60000");
}

}  // namespace
}  // namespace mstage::pipeline
