#include "agent/prompts.hpp"
#include "pipeline/pins.hpp"
#include "pipeline/pipeline_fixture.hpp"

namespace mstage::agent {
namespace {

using test::contains;

class PipelinePromptTest : public pipeline::PipelineTest {
protected:
    /// As if CMake had run again with other fields of a stage.
    void change_stage(size_t stage, const Json& fields) {
        Json json = parse_json(read_file(m_plan.path), "plan");
        json.at("stages").at(stage).update(fields);
        m_plan = pipeline::make_plan(json);
    }
    std::string text() {
        return pipeline_prompt(m_engine, pipeline::BuildTree::find(m_dir / "build").value(),
                               m_plan);
    }
    void expect(const std::vector<std::string>& parts) {
        const std::string all = text();
        for (const std::string& part : parts) {
            EXPECT_TRUE(contains(all, part)) << part << "\nin:\n" << all;
        }
        EXPECT_FALSE(contains(all, "{{"));
        EXPECT_LT(all.size(), 8000U);
    }
    std::string mstage(const std::string& words) {
        return "mstage -C " + m_plan.build_dir.native() + " " + words;
    }
};

TEST_F(PipelinePromptTest, OfAFreshTree) {
    expect({"# Pipeline `app`", "1. `setup-base`: **not built** (next build: ",
            "2. `deps-installed`, from `setup-base`: **not built** (next build: run)",
            "`echo installed > /root/deps`", "`cat main.c > out`", "source files: all",
            "without `*.log`", m_plan.build_command("build-complete"),
            "stop; resume from `deps-installed`; further back: `setup-base`",
            mstage("rollback deps-installed --to @-1"), mstage("rollback --undo"),
            mstage("rollback setup-base"), "- to `deps-installed`, once it is built; what",
            "ctest --test-dir", "`pytest` on `build-complete`"});
    EXPECT_FALSE(contains(text(), mstage("rollback build-complete`"))) << "nothing is behind it";
}

TEST_F(PipelinePromptTest, HasTheImagesThatThereAre) {
    ASSERT_TRUE(build("build-complete").ok);
    const auto image = pipeline::read_checkpoint(m_plan, "build-complete").value().image;
    expect({"`build-complete`, from `deps-installed`: **current**, image `" + image.str() + "`\n",
            "- to `deps-installed`; what is made from it is dropped"});
}

TEST_F(PipelinePromptTest, SaysHowTheLastAttemptFailed) {
    change_stage(1, {{"command", "echo broken; exit 3"}});
    ASSERT_FALSE(build("build-complete").ok);
    expect({"**failed** (next build: run)", "its last attempt failed with exit code 3",
            mstage("run build-complete@failed -c 'ls -la'"), "/output.log`"});
}

TEST_F(PipelinePromptTest, SaysWhatIsPinned) {
    ASSERT_TRUE(build("deps-installed").ok);
    write_pin(m_plan, {pipeline::read_checkpoint(m_plan, "deps-installed").value(),
                       std::chrono::system_clock::now()});
    expect({"**pinned**", mstage("rollback --unpin deps-installed")});
}

TEST_F(PipelinePromptTest, HasSettingsJoinsAndIdsOfSecrets) {
    change_stage(0, {{"environment", {{"LEVEL", "a `b`"}}},
                     {"network", false},
                     {"timeout", 90},
                     {"user", "me"},
                     {"workdir", "/elsewhere"},
                     {"inputs", Json::array()},
                     {"caches", {"/root/.cache"}},
                     {"secrets", {"npmrc=file:/home/me/.secret-place"}}});
    change_stage(1, {{"from", "setup-base"},
                     {"inputs", {"src", "Makefile"}},
                     {"copies",
                      {{{"plan", nullptr},
                        {"checkpoint", "deps-installed"},
                        {"path", "/root/deps"},
                        {"destination", "/deps"}}}}});
    expect({"`` LEVEL=a `b` ``", "network off", "time-out 90 s", "as user `me`", "in `/elsewhere`",
            "source files: none", "cache `/root/.cache`", "secret `/run/secrets/npmrc`",
            "source files: `src`, `Makefile`",
            "joins: `/root/deps` of `deps-installed`, as `/deps`"});
    EXPECT_FALSE(contains(text(), ".secret-place"));
}

TEST_F(PipelinePromptTest, CutsWhatIsLongAndShowsNoControlCharacters) {
    std::string command;
    for (int i = 0; i < 100; ++i) {
        command += fmt::format("echo line {} {}\x1b[31m\n", i, std::string(i == 3 ? 5000 : 5, 'x'));
    }
    change_stage(0, {{"command", command}});
    expect({"echo line 0 xxxxx\\x1b[31m\n", "more lines: see the plan"});
    EXPECT_FALSE(contains(text(), "\x1b"));
}

TEST_F(PipelinePromptTest, NamesPipelineAndConfigurationWhereTheyMatter) {
    Json json = pipeline::plan_json(m_dir / "build", "lib", false);
    json["config"] = "Debug";
    json["default_config"] = "Debug";
    m_plan = pipeline::make_plan(json);
    expect({mstage("--config Debug rollback lib.deps-installed"), "Configuration: `Debug`"});
}

}  // namespace
}  // namespace mstage::agent
