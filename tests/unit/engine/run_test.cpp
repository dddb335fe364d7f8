// Runs on images, and what becomes of what they write.

#include <chrono>

#include "engine_fixture.hpp"

namespace mstage::engine {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::error_of;

class RunTest : public EngineTest {};

TEST_F(RunTest, ThatIsDisposableLeavesNothing) {
    const ImageId image = base();
    const size_t layers = entries_in("layers");
    const RunResult result = m_engine.run(disposable_shell(image, "echo x > /root/f; cat /root/f"));
    EXPECT_TRUE(result.outcome.ok());
    EXPECT_EQ(read_file(result.log), "x\n");
    EXPECT_FALSE(result.result_image);
    EXPECT_FALSE(result.failed_state);
    EXPECT_FALSE(result.filesystem_changed);
    EXPECT_EQ(entries_in("layers"), layers);
    EXPECT_EQ(entries_in("images"), 1U);
    EXPECT_EQ(entries_in("tmp"), 0U);
    EXPECT_EQ(output_of(image, "test -e /root/f || echo none"), "none\n");
}

TEST_F(RunTest, MakesAnImageOfWhatWasWritten) {
    const ImageId parent = base();
    RunRequest request = shell(parent, "echo x > /root/f; rm /bin/yes");
    request.origin = "stage app/build";
    request.key = std::string(64, 'a');
    request.key_parts = {{"command", "..."}};
    const RunResult result = m_engine.run(request);
    ASSERT_TRUE(result.result_image);
    EXPECT_TRUE(result.filesystem_changed);
    EXPECT_NE(*result.result_image, parent);
    EXPECT_EQ(output_of(*result.result_image, "cat /root/f; test -e /bin/yes || echo gone"),
              "x\ngone\n");
    EXPECT_EQ(output_of(parent, "test -e /root/f || echo none; test -e /bin/yes && echo there"),
              "none\nthere\n");

    const Image image = m_engine.image(*result.result_image);
    EXPECT_EQ(image.parent, parent);
    EXPECT_EQ(image.origin, "stage app/build");
    EXPECT_EQ(image.command, request.command_line);
    EXPECT_EQ(image.run, result.run);
    EXPECT_EQ(image.key, request.key);
    EXPECT_EQ(image.key_parts, request.key_parts);
    EXPECT_EQ(image.state, ImageState::good);
    EXPECT_EQ(image.layers.size(), 2U);
    EXPECT_GT(m_engine.size_of(image), m_engine.size_of(m_engine.image(parent)));
    EXPECT_EQ(m_engine.size_of(image), m_engine.size_of(image)) << "also when it is known";
}

TEST_F(RunTest, ThatWroteNothingGivesItsInputImage) {
    const ImageId parent = base();
    const RunResult result =
        m_engine.run(shell(parent, "cat /etc/passwd; echo x > /tmp/x; echo x > /run/x"));
    EXPECT_EQ(result.result_image, parent);
    EXPECT_FALSE(result.filesystem_changed);
    EXPECT_EQ(entries_in("images"), 1U);
}

TEST_F(RunTest, ThatFailsLeavesAFailedStateAndNoResult) {
    const ImageId parent = base();
    const RunResult result = m_engine.run(shell(parent, "echo half > /root/f; exit 3"));
    EXPECT_EQ(result.outcome.code, 3);
    EXPECT_FALSE(result.result_image);
    ASSERT_TRUE(result.failed_state);
    const Image state = m_engine.image(*result.failed_state);
    EXPECT_EQ(state.state, ImageState::failed);
    EXPECT_EQ(state.parent, parent);
    EXPECT_FALSE(state.key) << "no stage may find it";
    EXPECT_EQ(content_of(state.id, "/root/f"), "half\n");
}

TEST_F(RunTest, ThatTimesOutLeavesAFailedState) {
    RunRequest request = shell(base(), "echo half > /root/f; sleep 1000");
    request.timeout = std::chrono::seconds(3);
    const RunResult result = m_engine.run(request);
    EXPECT_TRUE(result.outcome.timed_out);
    EXPECT_FALSE(result.result_image);
    ASSERT_TRUE(result.failed_state);
    EXPECT_EQ(content_of(*result.failed_state, "/root/f"), "half\n");
}

TEST_F(RunTest, ThatCannotStartFailsAsInAShell) {
    RunRequest request = shell(base(), "true");
    request.argv = {"/bin/no-such-shell"};
    const RunResult result = m_engine.run(request);
    EXPECT_EQ(result.outcome.code, 127);
    EXPECT_FALSE(result.result_image);
    EXPECT_TRUE(result.failed_state);
    EXPECT_EQ(entries_in("tmp"), 0U);
}

TEST_F(RunTest, StacksManyImages) {
    ImageId image = base();
    for (int number = 0; number < 12; ++number) {
        image = made_by(image, fmt::format("echo {} >> /root/f", number));
    }
    EXPECT_EQ(
        output_of(
            image,
            "cat /root/f | head -n 1; cat /root/f | while read l; do last=$l; done; echo end"),
        "0\nend\n");
    EXPECT_EQ(m_engine.image(image).layers.size(), 13U);
}

TEST_F(RunTest, KeepsOwnersModesAndTimesInImages) {
    const ImageId image = made_by(base(),
                                  "mkdir -m 1777 /root/d; touch -d 2001-02-03T04:05:06Z /root/d/f; "
                                  "chmod 4711 /root/d/f; chown 7:8 /root/d/f");
    const std::string owner = m_ids.mode == sandbox::IdMode::single ? "0:0" : "7:8";
    const std::string output =
        output_of(image, "stat -c '%a %u:%g %Y' /root/d/f; stat -c %a /root/d");
    if (m_ids.mode == sandbox::IdMode::single) {
        EXPECT_TRUE(contains(output, " 0:0 981173106\n1777\n")) << output;
    } else {
        EXPECT_EQ(output, "711 7:8 981173106\n1777\n") << "chown takes set-id bits away";
    }
}

TEST_F(RunTest, GivesTheDefaultsTheImagesAndTheRequestsEnvironmentInThatOrder) {
    RunRequest request = disposable_shell(base(), "echo $A $B $PATH $HOME $LANG");
    request.environment = {{"A", "mine"}, {"HOME", "/elsewhere"}};
    request.pass_through = {{"A", "passed"}, {"B", "passed"}};
    EXPECT_EQ(read_file(m_engine.run(request).log),
              "mine passed /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin /elsewhere "
              "C.UTF-8\n");
}

TEST_F(RunTest, ResultRemembersTheWorkingDirectory) {
    const ImageId parent = base();
    EXPECT_EQ(output_of(parent, "pwd"), "/\n");
    RunRequest request = shell(parent, "pwd; echo x > f");
    request.workdir = "/var";
    const ImageId image = m_engine.run(request).result_image.value();
    EXPECT_EQ(content_of(image, "/var/f"), "x\n");
    EXPECT_EQ(output_of(image, "pwd"), "/var\n");
}

TEST_F(RunTest, WritesItsRecord) {
    RunRequest request = shell(base(), "exit 5");
    request.environment = {{"A", "1"}};
    request.pass_through = {{"http_proxy", "me:passw0rd"}};
    const RunResult result = m_engine.run(request);
    const std::string text = read_file(result.log.parent_path() / "run.json");
    const Json record = parse_json(text, "run.json");
    EXPECT_EQ(record.at("id"), result.run.str());
    EXPECT_EQ(record.at("image"), request.image.str());
    EXPECT_EQ(record.at("exit_code"), 5);
    EXPECT_TRUE(record.at("signal").is_null());
    EXPECT_TRUE(record.at("result_image").is_null());
    EXPECT_EQ(record.at("failed_state"), result.failed_state->str());
    EXPECT_EQ(record.at("environment"), Json({{"A", "1"}}));
    EXPECT_FALSE(contains(text, "passw0rd"));
}

TEST_F(RunTest, SecretsAreForTheCommandOnly) {
    RunRequest request =
        shell(base(), "cat /run/secrets/token; stat -c %s /run/secrets/token > /size");
    request.secrets = {{"token", "t0k3n-value"}};
    std::string shown;
    request.live = [&](Stream, std::string_view data) { shown += data; };
    const RunResult good = m_engine.run(request);
    ASSERT_TRUE(good.ok());
    EXPECT_EQ(shown, "***");
    EXPECT_EQ(read_file(good.log), "***");
    EXPECT_EQ(content_of(good.result_image.value(), "/size"), "11\n");
    const std::string text = read_file(good.log.parent_path() / "run.json");
    EXPECT_EQ(parse_json(text, "run.json").at("secrets"), Json({"token"}));
    EXPECT_FALSE(contains(text, "t0k3n"));
}

TEST_F(RunTest, NothingIsKeptThatHoldsASecret) {
    const ImageId parent = base();
    const size_t layers = entries_in("layers");
    const size_t images = entries_in("images");
    for (const char* end : {"", "; exit 3"}) {
        RunRequest request = shell(parent, std::string("cat /run/secrets/token > /copy") + end);
        request.secrets = {{"token", "t0k3n-value"}};
        const RunResult result = m_engine.run(request);
        EXPECT_FALSE(result.ok());
        EXPECT_FALSE(result.result_image);
        EXPECT_FALSE(result.failed_state);
        ASSERT_EQ(result.leaks.size(), 1U);
        EXPECT_EQ(result.leaks[0].secret, "token");
        EXPECT_EQ(result.leaks[0].path, "/copy");
    }
    EXPECT_EQ(entries_in("layers"), layers);
    EXPECT_EQ(entries_in("images"), images);
}

std::vector<std::string> names_of(const std::vector<Phase>& phases) {
    std::vector<std::string> names;
    for (const Phase& phase : phases) {
        names.push_back(phase.name);
    }
    return names;
}

TEST_F(RunTest, TellsWhatItsTimeWentInto) {
    RunRequest request = shell(base(), "sleep 0.2; echo x > /root/f");
    PhaseTimer timer;
    timer.end("key");
    request.phases = timer.phases();
    const RunResult result = m_engine.run(request);
    ASSERT_EQ(names_of(result.phases), (std::vector<std::string>{"key", "mount", "run", "commit"}));
    using std::chrono::milliseconds;
    EXPECT_GE(result.phases[2].duration, milliseconds(200));
    EXPECT_GT(result.phases[1].duration, milliseconds(0));
    for (size_t i = 2; i < result.phases.size(); ++i) {
        const auto end = result.phases[i - 1].start + result.phases[i - 1].duration;
        EXPECT_LT(std::chrono::abs(result.phases[i].start - end), milliseconds(1))
            << "no gap before " << result.phases[i].name;
    }
    EXPECT_LE(result.outcome.usage.setup, result.phases[1].duration);
    const Json record =
        parse_json(read_file(result.log.parent_path() / "run.json"), "run.json").at("phases");
    EXPECT_EQ(record, to_json(result.phases));
    EXPECT_EQ(to_json(phases_from_json(record)), record);
}

TEST_F(RunTest, OnlyRunsThatKeepSomethingCommit) {
    const std::vector<std::string> kept = {"mount", "run", "commit"};
    EXPECT_EQ(names_of(m_engine.run(disposable_shell(base(), "true")).phases),
              (std::vector<std::string>{"mount", "run"}));
    EXPECT_EQ(names_of(m_engine.run(shell(base(), "exit 3")).phases), kept);
    RunRequest request = shell(base(), "true");
    request.argv = {"/bin/no-such-shell"};
    EXPECT_EQ(names_of(m_engine.run(request).phases), kept) << "also when nothing could be started";
}

TEST_F(RunTest, RemembersHowItWasMade) {
    RunRequest request = shell(base(), "echo x > f; exit 5");
    request.origin = "stage app/build";
    request.environment = {{"A", "1"}};
    request.workdir = "/root";
    request.network = Network::off;
    request.timeout = std::chrono::hours(1);
    request.caches = parse_caches({"/cache,id=c,sharing=locked", "/other"});
    const RunResult result = m_engine.run(request);
    const RunRecord record = m_engine.find_run(result.run).value();
    EXPECT_EQ(record.origin, request.origin);
    EXPECT_EQ(record.command, request.command_line);
    EXPECT_EQ(record.environment, request.environment);
    EXPECT_EQ(record.workdir, request.workdir);
    EXPECT_EQ(record.user, "");
    EXPECT_EQ(record.caches, request.caches);
    EXPECT_EQ(record.network, Network::off);
    EXPECT_EQ(record.timeout, request.timeout);
    EXPECT_EQ(record.outcome.code, 5);
    EXPECT_TRUE(record.filesystem_changed);
    EXPECT_EQ(record.log, result.log);
    write_file_atomically(result.log.parent_path() / "run.json", "{");
    EXPECT_FALSE(m_engine.find_run(result.run)) << "torn";
    EXPECT_FALSE(m_engine.find_run(RunId::generate()));
}

TEST_F(RunTest, ThatIsKeptInAnyCaseLeavesAGoodImage) {
    RunRequest request = shell(base(), "echo half > /root/f; exit 3");
    request.keep_in_any_case = true;
    const RunResult result = m_engine.run(request);
    EXPECT_EQ(result.outcome.code, 3);
    EXPECT_FALSE(result.failed_state);
    EXPECT_EQ(output_of(result.result_image.value(), "cat /root/f"), "half\n");
}

TEST_F(RunTest, ShowsTheCallersAuthorities) {
    const fs::path pem = m_dir / "my.pem";
    write_file_atomically(pem, "mine\n");
    fs::create_symlink(pem, m_dir / "link.pem");
    RunRequest request = shell(base(),
                               "cat $A $B; echo $A; test $A = $B && echo same; echo x > $A; "
                               "echo $NONE $SET; stat -c %a /run/mstage; "
                               "test ! -e /run/mstage/authorities-1.pem");
    request.authorities = {
        {"A", pem}, {"B", m_dir / "link.pem"}, {"NONE", m_dir / "none.pem"}, {"SET", pem}};
    request.environment = {{"SET", "/by/the/stage"}};
    const RunResult result = m_engine.run(request);
    EXPECT_TRUE(result.outcome.ok());
    const std::string log = read_file(result.log);
    EXPECT_TRUE(contains(log, "mine\nmine\n/run/mstage/authorities-0.pem\nsame\n")) << log;
    EXPECT_TRUE(contains(log, "\n/by/the/stage\n755\n")) << log;
    EXPECT_EQ(read_file(pem), "mine\n");
    EXPECT_FALSE(result.filesystem_changed);

    request.argv.back() = "echo \"<$A>\"";
    request.network = Network::off;
    EXPECT_EQ(read_file(m_engine.run(request).log), "<>\n");
}

TEST_F(RunTest, PassesOutputOnAsItComes) {
    std::string live;
    RunRequest request = disposable_shell(base(), "echo out; echo err >&2");
    request.live = [&](Stream stream, std::string_view data) {
        live += stream == Stream::out ? "o:" : "e:";
        live += data;
    };
    request.streams = Streams::separate;
    const RunResult result = m_engine.run(request);
    EXPECT_TRUE(live == "o:out\ne:err\n" || live == "e:err\no:out\n") << live;
    EXPECT_TRUE(contains(read_file(result.log), "err\n"));
}

TEST_F(RunTest, OfAnImageWhoseLayerIsGoneNamesTheRemedy) {
    const ImageId image = made_by(base(), "echo x > /root/f");
    remove_tree(m_dir / "store/layers" / m_engine.image(image).layers.back().str());
    const Error error = error_of([&] { m_engine.run(shell(image, "true")); });
    EXPECT_TRUE(contains(error.message(), image.str())) << error.message();
    EXPECT_TRUE(contains(error.hint(), "build the checkpoint again")) << error.hint();
    EXPECT_FALSE(fs::exists(m_engine.witness(image))) << "the build tool sees it missing";
}

TEST_F(RunTest, HelpersThatWereKilledAreTidiedUpAfter) {
    const RunRequest request = shell(base(), "echo x > /root/f; sleep 1000");
    test::Process helper([&] {
        LocalEngine(m_dir / "store").run(request);
        return 0;
    });
    ASSERT_TRUE(test::eventually([&] { return entries_in("tmp") == 1; }));
    helper.kill(SIGKILL);
    helper.wait();
    EXPECT_TRUE(test::eventually([&] {
        const LocalEngine next(m_dir / "store");
        return entries_in("tmp") == 0;
    }));
    EXPECT_EQ(entries_in("images"), 1U);
    EXPECT_EQ(output_of(base(), "test -e /root/f || echo none"), "none\n");
}

TEST_F(RunTest, OnAsManyLayersAsTheKernelTakesSaysSo) {
    Image image = m_engine.image(base());
    image.id = ImageId::generate();
    image.layers.resize(sandbox::k_max_lowers - 1, image.layers.front());
    const store::Store store(m_dir / "store", [](const fs::path& path) { remove_tree(path); });
    store.publish_image(image);
    const Error error = error_of([&] { m_engine.run(shell(image.id, "echo x > /root/f")); });
    EXPECT_EQ(
        error.message(),
        fmt::format("image '{}' has {} layers, and another one would be too many for the kernel",
                    image.id.str(), image.layers.size()));
    EXPECT_EQ(entries_in("runs"), 0U);
}

TEST_F(RunTest, SizeCountsWhatIsInClosedDirectoriesToo) {
    const ImageId before = base();
    const ImageId image =
        made_by(before,
                "mkdir /closed && dd if=/dev/zero of=/closed/f bs=1024 count=300 && "
                "chmod 0 /closed/f /closed");
    EXPECT_GE(m_engine.size_of(m_engine.image(image)),
              m_engine.size_of(m_engine.image(before)) + 300 * 1024);
}

}  // namespace
}  // namespace mstage::engine
