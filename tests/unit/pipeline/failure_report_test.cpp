#include "pipeline/failure_report.hpp"

#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

using namespace std::chrono_literals;
using test::contains;

FailureReport example() {
    const TimePoint now = parse_time("2026-01-31T12:00:00.000000Z");
    return {
        .pipeline = "app",
        .stage = "build",
        .checkpoint = "build-complete",
        .command = "make -j2\nmake check",
        .outcome = {.code = 2, .timed_out = false, .interrupted_by = {}, .usage = {.wall = 1500ms}},
        .timeout = 1h,
        .last_lines = "a.c:1: error\nmake: *** [a.o] Error 1",
        .log = "/store/runs/1/output.log",
        .failed_state = "abcd3333-0000-4000-8000-000000000000",
        .rollback_points = {{"deps-installed",
                             engine::ImageId::parse("abcd2222-0000-4000-8000-000000000000").value(),
                             now - 5min, 3 << 20},
                            {"setup-base",
                             engine::ImageId::parse("abcd1111-0000-4000-8000-000000000000").value(),
                             now - 72h, 120 << 20}},
        .resume_command = "ninja -C /b build-complete",
        .look_command = "mstage -C /b run app.build-complete@failed -- ls -la",
        .now = now};
}

TEST(FailureReport, TellsAPersonHowToGoOn) {
    EXPECT_EQ(to_text(example()),
              R"(mstage: error: stage 'build' of pipeline 'app' failed with exit code 2 after 1.5 s

  command:
    make -j2
    make check
  last lines of its output:
    | a.c:1: error
    | make: *** [a.o] Error 1
  log: /store/runs/1/output.log
  failed state: abcd3333-0000-4000-8000-000000000000
    to look at what it left:  mstage -C /b run app.build-complete@failed -- ls -la

  rollback points that remain:
    deps-installed  abcd2222-0000-4000-8000-000000000000  5 min ago, 3.00 MiB
    setup-base      abcd1111-0000-4000-8000-000000000000  3 days ago, 120 MiB

  to resume from 'deps-installed', mend the cause and run:
    ninja -C /b build-complete
)");
}

TEST(FailureReport, NamesThePlacesOfSecrets) {
    FailureReport report = example();
    report.outcome.code = 0;
    report.failed_state = "";
    report.leaks = {{"token", "/etc/app/a\nb", ""}, {"key", "/root/.npm/x", "npm"}};
    const std::string text = to_text(report);
    EXPECT_TRUE(test::contains(text, "left a secret where it is to be found (after 1.5 s)\n"))
        << text;
    EXPECT_TRUE(
        test::contains(text,
                       "  secrets, or what gives them away, are in:\n"
                       "    /etc/app/a\nb (secret 'token')\n"
                       "    /root/.npm/x (secret 'key', in cache 'npm': mstage caches --rm npm)\n"
                       "  failed state: none is kept, for there is a secret in it\n"))
        << text;
    EXPECT_EQ(dump_json(to_json(report).at("leaks")),
              R"([{"cache":null,"path":"/etc/app/a\nb","secret":"token"},)"
              R"({"cache":"npm","path":"/root/.npm/x","secret":"key"}])");
}

TEST(FailureReport, TellsAProgramTheSame) {
    EXPECT_EQ(dump_json_indented(to_json(example())), R"({
  "checkpoint": "build-complete",
  "command": "make -j2\nmake check",
  "config": null,
  "exit_code": 2,
  "failed_state": "abcd3333-0000-4000-8000-000000000000",
  "interrupted_by": null,
  "last_lines": "a.c:1: error\nmake: *** [a.o] Error 1",
  "leaks": [],
  "log": "/store/runs/1/output.log",
  "look_command": "mstage -C /b run app.build-complete@failed -- ls -la",
  "note": "",
  "pipeline": "app",
  "resume_command": "ninja -C /b build-complete",
  "rollback_points": [
    {
      "checkpoint": "deps-installed",
      "created": "2026-01-31T11:55:00.000000Z",
      "image": "abcd2222-0000-4000-8000-000000000000",
      "size_bytes": 3145728
    },
    {
      "checkpoint": "setup-base",
      "created": "2026-01-28T12:00:00.000000Z",
      "image": "abcd1111-0000-4000-8000-000000000000",
      "size_bytes": 125829120
    }
  ],
  "stage": "build",
  "timed_out": false,
  "version": 1
}
)");
}

TEST(FailureReport, NamesTheConfiguration) {
    FailureReport report = example();
    report.config = "Debug";
    EXPECT_EQ(to_json(report).at("config"), "Debug");
}

TEST(FailureReport, SaysHowTheCommandEnded) {
    FailureReport report = example();
    report.outcome.code = 139;
    EXPECT_TRUE(
        contains(to_text(report), "failed with signal 11 (Segmentation fault) after 1.5 s\n"));
    report.outcome.timed_out = true;
    EXPECT_TRUE(contains(to_text(report), "was ended by its time-out of 1 h\n"));
    report.outcome.timed_out = false;
    report.outcome.interrupted_by = SIGINT;
    EXPECT_TRUE(contains(to_text(report), "was interrupted (signal 2, Interrupt) after 1.5 s\n"));
}

TEST(FailureReport, CannotSteerTheTerminalButMayColourIt) {
    FailureReport report = example();
    report.last_lines = "\x1b[31mred\x1b[0m \x1b[2J\x1b]0;title\x07";
    report.command = "echo \x1b[2J";
    const std::string text = to_text(report);
    EXPECT_TRUE(contains(text, "    | \x1b[31mred\x1b[0m \\x1b[2J\\x1b]0;title\\x07\n")) << text;
    EXPECT_TRUE(contains(text, "    echo \\x1b[2J\n"));
}

TEST(FailureReport, LeavesOutWhatThereIsNot) {
    FailureReport report = example();
    report.last_lines.clear();
    report.rollback_points.clear();
    const std::string text = to_text(report);
    EXPECT_FALSE(contains(text, "last lines"));
    EXPECT_FALSE(contains(text, "rollback points"));
}

}  // namespace
}  // namespace mstage::pipeline
