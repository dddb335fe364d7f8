#include "pipeline/stage_runner.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "pipeline/failures.hpp"
#include "pipeline/history.hpp"
#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

namespace fs = std::filesystem;
using engine::ImageId;
using test::contains;

class StageRunnerTest : public PipelineTest {
protected:
    ImageId image(const std::string& checkpoint) const {
        return get_checkpoint(m_plan, checkpoint).image;
    }
    /// Runs of the store: how often a command was executed.
    size_t runs() const { return entries_in("runs"); }
    /// Lets the stage run until its command is at work, in another process.
    std::unique_ptr<test::Process> build_elsewhere(const std::string& name) {
        return std::make_unique<test::Process>([this, name] {
            engine::LocalEngine mine(m_dir / "store");
            const RunContext context{
                .engine = mine,
                .helper = "mstage",
                .proxies = {},
                .terminal = {},
                .note = [this](const std::string&) { write_file_atomically(m_dir / "note", ""); }};
            return run_stage(context, m_plan, stage(name)).ok ? 0 : 1;
        });
    }
};

TEST_F(StageRunnerTest, BringsTheBaseIn) {
    const StageResult result = build("setup-base");
    EXPECT_TRUE(result.ok);
    EXPECT_EQ(result.text, fmt::format("mstage: app.setup-base is {} (imported {})",
                                       image("setup-base").str(), m_plan.base));
    EXPECT_TRUE(contains(build("setup-base").text, "(" + m_plan.base + ")"));
    const std::string depfile = read_file(m_plan.depfile_path("setup-base"));
    EXPECT_TRUE(contains(depfile, m_engine.witness(image("setup-base")).native())) << depfile;
}

TEST_F(StageRunnerTest, MakesACheckpoint) {
    const StageResult result = build("build-complete");
    EXPECT_TRUE(result.ok) << result.text;
    EXPECT_TRUE(contains(result.text, "mstage: app.build-complete is " +
                                          image("build-complete").str() + " (ran in "));
    EXPECT_EQ(content_of(image("build-complete"), "/app/out"), "int main;");
    EXPECT_EQ(content_of(image("build-complete"), "/root/deps"), "installed\n");
    const engine::Image made = m_engine.image(image("build-complete"));
    EXPECT_EQ(made.parent, image("deps-installed"));
    EXPECT_EQ(made.origin, "stage app/build");
    EXPECT_EQ(made.key, get_checkpoint(m_plan, "build-complete").key);
    EXPECT_TRUE(contains(read_file(m_plan.depfile_path("build-complete")), made.id.str()));
}

TEST_F(StageRunnerTest, GivesTheCommandItsEnvironment) {
    stage("install").environment = {{"A", "1"}};
    stage("install").command = "echo $A $MSTAGE_STAGE $http_proxy > /root/env; pwd >> /root/env";
    RunContext with_proxy = context();
    with_proxy.proxies = {{"http_proxy", "proxy.invalid"}};
    build("setup-base");
    scan(m_engine, m_plan);
    EXPECT_TRUE(run_stage(with_proxy, m_plan, stage("install")).ok);
    EXPECT_EQ(content_of(image("deps-installed"), "/root/env"), "1 install proxy.invalid\n/app\n");
    EXPECT_FALSE(contains(read_file(m_engine.witness(image("deps-installed"))), "proxy.invalid"));
}

TEST_F(StageRunnerTest, RestoresWhatTheStoreHas) {
    build("deps-installed");
    const ImageId first = image("deps-installed");
    remove_checkpoint(m_plan, "deps-installed");
    const StageResult result = build("deps-installed");
    EXPECT_TRUE(contains(result.text, "(restored)")) << result.text;
    EXPECT_EQ(image("deps-installed"), first);
    EXPECT_EQ(runs(), 1U);
}

TEST_F(StageRunnerTest, NotesWhatTheTimeOfAStageWentInto) {
    const auto phases = [&] { return read_history(m_plan).back().phases; };
    const auto names = [&] {
        std::string text;
        for (const engine::Phase& phase : phases()) {
            text += (text.empty() ? "" : " ") + phase.name;
        }
        return text;
    };
    build("setup-base");
    EXPECT_EQ(names(), "import");
    build("deps-installed");
    EXPECT_EQ(names(), "key mount run commit");
    const std::vector<engine::Phase> ran = phases();
    for (size_t i = 1; i < ran.size(); ++i) {
        const auto end = ran[i - 1].start + ran[i - 1].duration;
        EXPECT_LT(std::chrono::abs(ran[i].start - end), std::chrono::milliseconds(20))
            << "no gap before " << ran[i].name;
    }
    remove_checkpoint(m_plan, "deps-installed");
    build("deps-installed");
    EXPECT_EQ(names(), "key restore");
    stage("install").command = "exit 3";
    build("deps-installed");
    EXPECT_EQ(names(), "key mount run commit");
}

TEST_F(StageRunnerTest, LeavesTheMarkerOfWhatIsRestoredUnchanged) {
    build("deps-installed");
    const timespec times[2] = {{1000000000, 0}, {1000000000, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, m_plan.marker_path("deps-installed").c_str(), times, 0), 0);
    build("deps-installed");
    struct stat info {};
    ASSERT_EQ(::stat(m_plan.marker_path("deps-installed").c_str(), &info), 0);
    EXPECT_EQ(info.st_mtim.tv_sec, 1000000000);
}

TEST_F(StageRunnerTest, RunsAgainWhatTheStoreLost) {
    build("deps-installed");
    fs::remove(m_engine.witness(image("deps-installed")));
    EXPECT_TRUE(contains(build("deps-installed").text, "(ran in "));
    EXPECT_EQ(runs(), 2U);
}

TEST_F(StageRunnerTest, FailureLeavesNoMarkerButThoseBefore) {
    build("build-complete");
    stage("build").command = "echo half > out; echo oops >&2; exit 3";
    const StageResult result = build("build-complete");
    EXPECT_FALSE(result.ok);
    EXPECT_FALSE(has_marker("build-complete"));
    EXPECT_TRUE(has_marker("deps-installed"));
    EXPECT_TRUE(has_marker("setup-base"));
    EXPECT_TRUE(contains(result.text, "stage 'build' of pipeline 'app' failed with exit code 3"))
        << result.text;
    EXPECT_TRUE(contains(result.text, "| oops"));
    EXPECT_TRUE(contains(result.text, image("deps-installed").str()));
    EXPECT_TRUE(contains(result.text, image("setup-base").str()));
    const Failure failure = read_failure(m_plan, "build-complete").value();
    EXPECT_TRUE(contains(result.text, failure.state.str()));
    EXPECT_EQ(content_of(failure.state, "/app/out"), "half\n");
    const Json report =
        parse_json(read_file(m_dir / "store/runs" / failure.run.str() / "report.json"), "report");
    EXPECT_EQ(report.at("exit_code"), 3);
    EXPECT_EQ(report.at("rollback_points").size(), 2U);
}

TEST_F(StageRunnerTest, SuccessClearsTheFailure) {
    const std::string good = stage("build").command;
    stage("build").command = "exit 3";
    EXPECT_FALSE(build("build-complete").ok);
    stage("build").command = good;
    EXPECT_TRUE(build("build-complete").ok);
    EXPECT_FALSE(read_failure(m_plan, "build-complete"));
    EXPECT_EQ(read_failures(m_plan, "build-complete").attempts.size(), 1U) << "to look back at";
}

TEST_F(StageRunnerTest, FailureIsNoResultForTheNextAttempt) {
    stage("install").command = "exit 3";
    EXPECT_FALSE(build("deps-installed").ok);
    EXPECT_FALSE(build("deps-installed").ok);
    EXPECT_EQ(runs(), 2U);
}

TEST_F(StageRunnerTest, FailureIsReportedEvenWhenTheStoreLostAnEarlierImage) {
    build("deps-installed");
    fs::remove(m_engine.witness(image("setup-base")));
    stage("build").command = "exit 3";
    const StageResult result = build("build-complete");
    EXPECT_TRUE(contains(result.text, "failed with exit code 3")) << result.text;
    EXPECT_FALSE(contains(result.text, "setup-base")) << "nobody can go back to it";
}

TEST_F(StageRunnerTest, TimeOutIsAFailure) {
    stage("install").command = "echo begun; sleep 1000";
    stage("install").timeout = std::chrono::seconds(3);
    const StageResult result = build("deps-installed");
    EXPECT_FALSE(result.ok);
    EXPECT_FALSE(has_marker("deps-installed"));
    EXPECT_TRUE(contains(result.text, "was ended by its time-out of 3.0 s")) << result.text;
    EXPECT_TRUE(contains(result.text, "| begun"));
}

TEST_F(StageRunnerTest, OutputGoesToTheTerminalOnlyWhenLive) {
    std::string terminal;
    build("setup-base");
    scan(m_engine, m_plan);
    RunContext watched = context();
    watched.terminal = [&](engine::Stream, std::string_view data) { terminal += data; };
    stage("install").command = "echo quiet; touch /root/f";
    EXPECT_TRUE(run_stage(watched, m_plan, stage("install")).ok);
    EXPECT_EQ(terminal, "");
    stage("install").command = "echo loud; touch /root/f";
    stage("install").live = true;
    EXPECT_TRUE(run_stage(watched, m_plan, stage("install")).ok);
    EXPECT_EQ(terminal, "loud\n");
}

TEST_F(StageRunnerTest, MarkerIsGoneWhileTheStageRunsAndAfterAKill) {
    build("deps-installed");
    stage("install").command = "echo begun > /root/f; sleep 1000";
    const auto helper = build_elsewhere("install");
    ASSERT_TRUE(test::eventually([&] { return runs() == 2 && !has_marker("deps-installed"); }));
    helper->kill(SIGKILL);
    helper->wait();
    EXPECT_FALSE(has_marker("deps-installed"));
    stage("install").command = "echo done > /root/f";
    EXPECT_TRUE(build("deps-installed").ok);
    EXPECT_EQ(content_of(image("deps-installed"), "/root/f"), "done\n");
}

TEST_F(StageRunnerTest, SameCommandSucceedsAfterAKill) {
    build("setup-base");
    scan(m_engine, m_plan);
    // Only the first run waits to be killed.
    stage("install").command = "test -e /app/go || sleep 1000; echo done > /root/f";
    const auto helper = build_elsewhere("install");
    ASSERT_TRUE(test::eventually([&] { return runs() == 1; }));
    helper->kill(SIGKILL);
    helper->wait();
    write_file_atomically(m_dir / "src/go", "");
    EXPECT_TRUE(build("deps-installed").ok);
}

TEST_F(StageRunnerTest, StageThatTwoBuildsWantIsMadeOnce) {
    build("setup-base");
    scan(m_engine, m_plan);
    stage("install").command = "sleep 1; echo x > /root/f";
    const auto first = build_elsewhere("install");
    const auto second = build_elsewhere("install");
    EXPECT_TRUE(first->wait().ok());
    EXPECT_TRUE(second->wait().ok());
    EXPECT_EQ(runs(), 1U);
    EXPECT_TRUE(fs::exists(m_dir / "note")) << "who waits says so";
    EXPECT_TRUE(has_marker("deps-installed"));
}

TEST_F(StageRunnerTest, NeedsItsParentAndItsScan) {
    const Error no_parent = test::error_of([&] { run_stage(context(), m_plan, stage("build")); });
    EXPECT_TRUE(contains(no_parent.message(), "'deps-installed'")) << no_parent.message();
    build("setup-base");
    const Error no_scan = test::error_of([&] { run_stage(context(), m_plan, stage("install")); });
    EXPECT_TRUE(contains(no_scan.message(), "install.inputs")) << no_scan.message();
}

TEST_F(StageRunnerTest, TestsLeaveNothing) {
    build("build-complete");
    const size_t images = m_engine.images().size();
    std::string output;
    Task test = m_plan.test("pytest");
    test.command = "cat out; echo x > new; echo err >&2; exit 4";
    const engine::RunResult result =
        run_test(context(), m_plan, test, [&](engine::Stream stream, std::string_view data) {
            output += stream == engine::Stream::out ? data : "";
        });
    EXPECT_EQ(result.outcome.code, 4);
    EXPECT_EQ(output, "int main;");
    const std::string text = report_test(context(), m_plan, test, result);
    EXPECT_TRUE(contains(text, "test 'pytest' of pipeline 'app' failed with exit code 4")) << text;
    for (const char* point : {"build-complete", "deps-installed", "setup-base"}) {
        EXPECT_TRUE(contains(text, image(point).str())) << point;
        EXPECT_TRUE(contains(text, fmt::format("rollback app.{}\n", point))) << point;
    }
    const Json report = parse_json(read_file(result.log.parent_path() / "report.json"), "report");
    EXPECT_EQ(report.at("test"), "pytest");
    EXPECT_EQ(report.at("rollback_points").size(), 3U);
    EXPECT_EQ(m_engine.images().size(), images);
    EXPECT_TRUE(has_marker("build-complete"));
}

TEST_F(StageRunnerTest, ScanWritesTheDependencyFile) {
    scan(m_engine, m_plan);
    EXPECT_TRUE(contains(read_file(m_plan.depfile_path("scan")), (m_dir / "src/main.c").native()));
    m_plan.scan_every_build = true;
    scan(m_engine, m_plan);
    EXPECT_FALSE(contains(read_file(m_plan.depfile_path("scan")), "main.c"));
    EXPECT_TRUE(contains(read_file(m_plan.depfile_path("scan")), never_there(m_plan)));
}

TEST_F(StageRunnerTest, EditsAfterTheScanAreForTheNextOne) {
    build("deps-installed");
    const auto key = [&] { return get_checkpoint(m_plan, "build-complete").key.value(); };
    scan(m_engine, m_plan);
    write_file_atomically(m_dir / "src/main.c", "edited");
    EXPECT_TRUE(run_stage(context(), m_plan, stage("build")).ok);
    // Key and image are both of what was scanned.
    const std::string old_key = key();
    EXPECT_EQ(content_of(image("build-complete"), "/app/out"), "int main;");
    scan(m_engine, m_plan);
    EXPECT_TRUE(run_stage(context(), m_plan, stage("build")).ok);
    EXPECT_NE(key(), old_key);
    EXPECT_EQ(content_of(image("build-complete"), "/app/out"), "edited");
    write_file_atomically(m_dir / "src/main.c", "int main;");
    scan(m_engine, m_plan);
    EXPECT_TRUE(contains(run_stage(context(), m_plan, stage("build")).text, "(restored)"));
    EXPECT_EQ(key(), old_key);
}

TEST_F(StageRunnerTest, ScansOfOneTreeTakeTurns) {
    scan(m_engine, m_plan);
    const auto digest = [&] { return read_file(m_plan.inputs_path("build")); };
    const std::string before = digest();
    write_file_atomically(m_dir / "src/main.c", "edited");
    for (int i = 0; i < 200; ++i) {
        write_file_atomically(m_dir / "src" / fmt::format("f{}", i), "x");
    }
    const auto scan_elsewhere = [&] {
        engine::LocalEngine mine(m_dir / "store");
        scan(mine, m_plan);
        return 0;
    };
    std::vector<std::unique_ptr<test::Process>> scans;
    for (int i = 0; i < 6; ++i) {
        scans.push_back(std::make_unique<test::Process>(scan_elsewhere));
    }
    for (const auto& process : scans) {
        EXPECT_TRUE(process->wait().ok());
    }
    const std::string after = digest();
    EXPECT_NE(after, before);
    scan(m_engine, m_plan);
    EXPECT_EQ(digest(), after);
    build("build-complete");
    EXPECT_EQ(content_of(image("build-complete"), "/app/f199"), "x");
}

}  // namespace
}  // namespace mstage::pipeline
