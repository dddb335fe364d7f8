#include "pipeline/report/trace.hpp"

#include <map>

#include "support.hpp"

namespace mstage::pipeline {
namespace {

using std::chrono::milliseconds;

const TimePoint k_start = parse_time("2026-01-31T12:00:00.000000Z");

engine::Phase phase(const std::string& name, int start, int duration) {
    return {name, k_start + milliseconds(start), milliseconds(duration)};
}

HistoryEntry entry(const std::string& checkpoint, std::vector<engine::Phase> phases,
                   HistoryEvent event = HistoryEvent::ran) {
    HistoryEntry made;
    made.checkpoint = checkpoint;
    made.event = event;
    made.phases = std::move(phases);
    return made;
}

TestRun test_result(const std::string& name, int end, int wall) {
    TestRun result{.time = k_start + milliseconds(end),
                   .test = name,
                   .image = engine::ImageId::generate(),
                   .run = engine::RunId::generate()};
    result.outcome.usage.wall = milliseconds(wall);
    return result;
}

TracedPipeline example() {
    const auto step = [](const std::string& output, int start, int duration) {
        return NinjaStep{.output = output,
                         .start = k_start + milliseconds(start),
                         .duration = milliseconds(duration)};
    };
    return {.name = "app",
            .stages = {{.entry = entry("base", {phase("import", 0, 100)}), .command = "tag:x"},
                       {.entry = entry("built", {phase("key", 100, 1), phase("mount", 101, 9),
                                                 phase("run", 110, 890), phase("commit", 1000, 5)}),
                        .command = "make </script>",
                        .inner = {{.log = "/b/.ninja_log",
                                   .steps = {step("a.o", 110, 300), step("b.o", 110, 200),
                                             step("app", 410, 90)}}}}},
            .tests = {test_result("unit", 1500, 400), test_result("e2e", 1600, 400)}};
}

/// The names of threads by "pid/tid".
std::map<std::string, std::string> threads_of(const Json& trace) {
    std::map<std::string, std::string> threads;
    for (const Json& event : trace.at("traceEvents")) {
        if (event.at("name") == "thread_name") {
            threads[fmt::format("{}/{}", event.at("pid").get<int>(), event.at("tid").get<int>())] =
                event.at("args").at("name");
        }
    }
    return threads;
}

/// "thread: name start+duration" in ms.
std::vector<std::string> lines_of(const Json& trace) {
    std::vector<std::string> lines;
    const auto threads = threads_of(trace);
    for (const Json& event : trace.at("traceEvents")) {
        if (event.at("ph") == "X") {
            const std::string thread =
                fmt::format("{}/{}", event.at("pid").get<int>(), event.at("tid").get<int>());
            lines.push_back(fmt::format(
                "{}: {} {}+{}", threads.at(thread), event.at("name").get<std::string>(),
                event.at("ts").get<double>() / 1000, event.at("dur").get<double>() / 1000));
        }
    }
    return lines;
}

TEST(Trace, HasThreadsForStagesInnerBuildsAndTests) {
    const Json trace = make_trace({example()});
    EXPECT_EQ(lines_of(trace), (std::vector<std::string>{
                                   "base: base 0+100", "base: import 0+100", "built: built 100+905",
                                   "built: key 100+1", "built: mount 101+9", "built: run 110+890",
                                   "built: commit 1000+5", "built: ninja 1: a.o 110+300",
                                   "built: ninja 2: b.o 110+200", "built: ninja 1: app 410+90",
                                   "tests 1: unit 1100+400", "tests 2: e2e 1200+400"}));
    EXPECT_EQ(trace.at("otherData").at("start"), "2026-01-31T12:00:00.000000Z");
}

TEST(Trace, KeepsToTheRulesOfTheFormat) {
    const Json trace = make_trace({example(), example()});
    std::map<int, std::string> processes;
    for (const Json& event : trace.at("traceEvents")) {
        EXPECT_TRUE(event.at("pid").is_number_integer());
        EXPECT_TRUE(event.at("tid").is_number_integer());
        EXPECT_TRUE(event.at("args").is_object());
        if (event.at("ph") == "X") {
            EXPECT_TRUE(event.at("ts").is_number_integer());
            EXPECT_GE(event.at("ts").get<std::int64_t>(), 0);
            EXPECT_GE(event.at("dur").get<std::int64_t>(), 0);
            EXPECT_TRUE(event.at("cat").is_string());
        } else {
            EXPECT_EQ(event.at("ph"), "M");
        }
        if (event.at("name") == "process_name") {
            processes[event.at("pid").get<int>()] = event.at("args").at("name");
        }
    }
    EXPECT_EQ(processes, (std::map<int, std::string>{{1, "app"}, {2, "app"}}));
    EXPECT_EQ(threads_of(trace).size(), 12U);
}

TEST(Trace, OfNothingIsEmpty) {
    EXPECT_EQ(make_trace({}).at("traceEvents"), Json::array());
}

}  // namespace
}  // namespace mstage::pipeline
