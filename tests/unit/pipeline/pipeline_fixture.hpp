#pragma once

#include <string>
#include <vector>

#include "engine/engine_fixture.hpp"
#include "pipeline/checkpoint.hpp"
#include "pipeline/plan.hpp"
#include "pipeline/scan.hpp"
#include "pipeline/stage_runner.hpp"

namespace mstage::pipeline {

/// A plan as the CMake module writes it, with the stages install (deps-installed) and build (build-complete) and the
/// test pytest, for a build tree `build_dir`.
inline Json plan_json(const std::filesystem::path& build_dir, const std::string& pipeline = "app",
                      bool is_default = true) {
    const auto task = [](const std::string& name, const std::string& from,
                         const std::string& command) {
        return Json{{"name", name},       {"from", from},
                    {"command", command}, {"environment", Json::object()},
                    {"workdir", "/app"},  {"network", true},
                    {"timeout", 0}};
    };
    const auto stage = [&](Json json, const std::string& checkpoint, const std::string& target) {
        json.update({{"checkpoint", checkpoint},
                     {"target", target},
                     {"inputs", nullptr},
                     {"exclude", Json::array()},
                     {"copies", Json::array()},
                     {"live", false}});
        return json;
    };
    return {{"version", 1},
            {"pipeline", pipeline},
            {"default", is_default},
            {"config", nullptr},
            {"default_config", nullptr},
            {"source", (build_dir.parent_path() / "src").native()},
            {"build_dir", build_dir.native()},
            {"state_dir", (build_dir / ".mstage" / pipeline).native()},
            {"store", nullptr},
            {"engine", "local"},
            {"base", engine::EngineTest::base_reference()},
            {"workdir", "/app"},
            {"exclude", {"*.log"}},
            {"scan_every_build", false},
            {"build_tool", "ninja -C '" + build_dir.native() + "'"},
            {"stages",
             {stage(task("install", "setup-base", "echo installed > /root/deps"), "deps-installed",
                    "deps-installed"),
              stage(task("build", "deps-installed", "cat main.c > out"), "build-complete",
                    "build-complete")}},
            {"tests", {task("pytest", "build-complete", "cat out")}}};
}

/// Writes it to where it belongs and reads it back.
inline Plan make_plan(const Json& json) {
    const std::filesystem::path state = json.at("state_dir").get<std::string>();
    make_directories(state);
    write_file_atomically(state / "plan.json", dump_json_indented(json));
    return read_plan(state / "plan.json");
}

/// A pipeline on a tiny root filesystem.
class PipelineTest : public engine::EngineTest {
protected:
    PipelineTest() {
        std::filesystem::create_directory(m_dir / "src");
        write_file_atomically(m_dir / "src/main.c", "int main;");
    }

    /// What a build does up to (and with) the checkpoint.
    StageResult build(const std::string& checkpoint) {
        if (checkpoint == k_setup_base) {
            return set_up_base(context(), m_plan);
        }
        const Stage& stage = *m_plan.stage_of_checkpoint(checkpoint);
        if (!read_checkpoint(m_plan, stage.from)) {
            EXPECT_TRUE(build(stage.from).ok);
        }
        scan(m_engine, m_plan);
        return run_stage(context(), m_plan, stage);
    }
    RunContext context() {
        return {.engine = m_engine,
                .helper = "mstage",
                .proxies = {},
                .terminal = {},
                .note = [this](const std::string& line) { m_notes.push_back(line); }};
    }
    Stage& stage(const std::string& name) {
        for (Stage& candidate : m_plan.stages) {
            if (candidate.name == name) {
                return candidate;
            }
        }
        throw Error("no stage '{}'", name);
    }
    bool has_marker(const std::string& checkpoint) const {
        return std::filesystem::exists(m_plan.marker_path(checkpoint));
    }

    Plan m_plan = make_plan(plan_json(m_dir / "build"));
    std::vector<std::string> m_notes;
};

}  // namespace mstage::pipeline
