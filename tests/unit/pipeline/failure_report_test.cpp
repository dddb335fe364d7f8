#include "pipeline/failure_report.hpp"

#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

using namespace std::chrono_literals;
using test::contains;

RollbackPoint point(const std::string& checkpoint, const std::string& image, TimePoint created,
                    std::uint64_t size) {
    return {.checkpoint = checkpoint,
            .image = engine::ImageId::parse(image).value(),
            .created = created,
            .size = size,
            .rollback_command = "mstage -C /b rollback app." + checkpoint,
            .build_command = "ninja -C /b rollback-" + checkpoint,
            .shell_command = "mstage -C /b shell app." + checkpoint};
}

FailureReport example() {
    const TimePoint now = parse_time("2026-01-31T12:00:00.000000Z");
    return {
        .pipeline = "app",
        .name = "build",
        .from = "deps-installed",
        .checkpoint = "build-complete",
        .command = "make -j2\nmake check",
        .outcome = {.code = 2, .timed_out = false, .interrupted_by = {}, .usage = {.wall = 1500ms}},
        .timeout = 1h,
        .last_lines = "a.c:1: error\nmake: *** [a.o] Error 1",
        .log = "/store/runs/1/output.log",
        .failed_state = engine::ImageId::parse("abcd3333-0000-4000-8000-000000000000"),
        .rollback_points = {point("deps-installed", "abcd2222-0000-4000-8000-000000000000",
                                  now - 5min, 3 << 20),
                            point("setup-base", "abcd1111-0000-4000-8000-000000000000", now - 72h,
                                  120 << 20)},
        .resume_command = "ninja -C /b build-complete",
        .shell_command = "mstage -C /b shell app.build-complete@failed",
        .now = now};
}

FailureReport example_of_test() {
    FailureReport report = example();
    report.kind = FailureReport::Kind::test;
    report.name = "unit";
    report.checkpoint.reset();
    report.failed_state.reset();
    report.live = true;
    report.resume_command = "ctest --test-dir /b -R '^app\\.unit$' --output-on-failure";
    report.shell_command = "mstage -C /b shell app.deps-installed";
    return report;
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
    to look around in it:  mstage -C /b shell app.build-complete@failed

  rollback points that remain:
    deps-installed  abcd2222-0000-4000-8000-000000000000  5 min ago, 3.00 MiB
    setup-base      abcd1111-0000-4000-8000-000000000000  3 days ago, 120 MiB

  to resume from 'deps-installed', mend the cause and run:
    ninja -C /b build-complete

  to go further back before that, to
    setup-base      mstage -C /b rollback app.setup-base
    or              ninja -C /b rollback-setup-base
)");
}

TEST(FailureReport, NamesThePlacesOfSecrets) {
    FailureReport report = example();
    report.outcome.code = 0;
    report.failed_state.reset();
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

TEST(FailureReport, OfATestNamesAllThatIsBehindIt) {
    EXPECT_EQ(to_text(example_of_test()),
              R"(mstage: error: test 'unit' of pipeline 'app' failed with exit code 2 after 1.5 s

  command:
    make -j2
    make check
  its output is above
  log: /store/runs/1/output.log
  it ran on a copy of 'deps-installed', which is as it was
    to look around in another:  mstage -C /b shell app.deps-installed

  rollback points that remain:
    deps-installed  abcd2222-0000-4000-8000-000000000000  5 min ago, 3.00 MiB
    setup-base      abcd1111-0000-4000-8000-000000000000  3 days ago, 120 MiB

  to try again, mend the cause and run:
    ctest --test-dir /b -R '^app\.unit$' --output-on-failure

  to go further back before that, to
    deps-installed  mstage -C /b rollback app.deps-installed
    or              ninja -C /b rollback-deps-installed
    setup-base      mstage -C /b rollback app.setup-base
    or              ninja -C /b rollback-setup-base
)");
    const Json json = to_json(example_of_test());
    EXPECT_EQ(json.at("test"), "unit");
    EXPECT_TRUE(json.at("stage").is_null());
    EXPECT_TRUE(json.at("checkpoint").is_null());
    EXPECT_TRUE(json.at("failed_state").is_null());
}

TEST(FailureReport, TellsAProgramTheSame) {
    EXPECT_EQ(dump_json_indented(to_json(example())), R"({
  "checkpoint": "build-complete",
  "command": "make -j2\nmake check",
  "config": null,
  "end": "failed with exit code 2 after 1.5 s",
  "exit_code": 2,
  "failed_state": "abcd3333-0000-4000-8000-000000000000",
  "from": "deps-installed",
  "interrupted_by": null,
  "last_lines": "a.c:1: error\nmake: *** [a.o] Error 1",
  "leaks": [],
  "log": "/store/runs/1/output.log",
  "note": "",
  "pipeline": "app",
  "resume_command": "ninja -C /b build-complete",
  "rollback_points": [
    {
      "build_command": "ninja -C /b rollback-deps-installed",
      "checkpoint": "deps-installed",
      "created": "2026-01-31T11:55:00.000000Z",
      "image": "abcd2222-0000-4000-8000-000000000000",
      "rollback_command": "mstage -C /b rollback app.deps-installed",
      "shell_command": "mstage -C /b shell app.deps-installed",
      "size_bytes": 3145728
    },
    {
      "build_command": "ninja -C /b rollback-setup-base",
      "checkpoint": "setup-base",
      "created": "2026-01-28T12:00:00.000000Z",
      "image": "abcd1111-0000-4000-8000-000000000000",
      "rollback_command": "mstage -C /b rollback app.setup-base",
      "shell_command": "mstage -C /b shell app.setup-base",
      "size_bytes": 125829120
    }
  ],
  "shell_command": "mstage -C /b shell app.build-complete@failed",
  "stage": "build",
  "test": null,
  "timed_out": false,
  "version": 2
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

TEST(FailureReport, CannotSteerTheTerminal) {
    FailureReport report = example();
    report.last_lines = shown_end("\x1b[31mred\x1b[0m \x1b[2J\x1b]0;title\x07\n");
    report.command = "echo \x1b[2J";
    const std::string text = to_text(report);
    EXPECT_TRUE(contains(text, "    | \\x1b[31mred\\x1b[0m \\x1b[2J\\x1b]0;title\\x07\n")) << text;
    EXPECT_TRUE(contains(text, "    echo \\x1b[2J\n"));
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(FailureReport, StaysShort) {
    EXPECT_EQ(shown_end("a\n" + std::string(100'000, 'x') + "\nb\n"),
              "a\n" + std::string(400, 'x') + " … (99600 more bytes)\nb");
    std::string lines;
    for (int i = 0; i < 100; ++i) {
        lines += fmt::format("{}\n", i);
    }
    EXPECT_TRUE(shown_end(lines).starts_with("80\n81\n"));
    FailureReport report = example();
    report.command = std::string(100'000, 'x');
    EXPECT_LT(to_text(report).size(), 3000U);
}

TEST(FailureReport, ShowsWhatATerminalWould) {
    EXPECT_EQ(shown_end("10 %\r20 %\r100 %\r\ndone\r\n"), "100 %\ndone");
    EXPECT_EQ(shown_end(""), "");
    EXPECT_EQ(shown_end("\r\r\n"), "");
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
