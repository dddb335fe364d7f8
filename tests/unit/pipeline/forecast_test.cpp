#include "pipeline/forecast.hpp"

#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

namespace fs = std::filesystem;
using engine::ImageId;

/// Forecasts, and whether the build does as they say.
class ForecastTest : public PipelineTest {
protected:
    std::string forecast() { return text_of(Forecast(m_engine).all(m_plan)); }
    static std::string text_of(const std::vector<CheckpointForecast>& all) {
        std::string text;
        for (const CheckpointForecast& one : all) {
            text += (text.empty() ? "" : ", ") + std::string(to_string(one.action));
        }
        return text;
    }
    CheckpointForecast of(const std::string& checkpoint) {
        return Forecast(m_engine).of(m_plan, checkpoint);
    }
    /// All of the pipeline, and what it did: by the lines of the stages.
    std::string build_all() {
        std::string text = did(build("setup-base"));
        for (const Stage& one : m_plan.stages) {
            text += ", " + did(build(one.checkpoint));
        }
        return text;
    }
    static std::string did(const StageResult& result) {
        EXPECT_TRUE(result.ok) << result.text;
        for (const auto& [how, action] : std::vector<std::pair<std::string, std::string>>{
                 {"(ran in", "run"}, {"(imported", "import"}, {"(restored", "restore"}}) {
            if (test::contains(result.text, how)) {
                return action;
            }
        }
        return "keep";
    }
    /// Names, sizes and times of all files below.
    static std::string listing(const fs::path& directory) {
        std::set<std::string> lines;
        for (const auto& entry : fs::recursive_directory_iterator(directory)) {
            lines.insert(fmt::format("{} {} {}", entry.path().native(),
                                     entry.is_regular_file() ? entry.file_size() : 0,
                                     entry.last_write_time().time_since_epoch().count()));
        }
        return fmt::format("{}", fmt::join(lines, "\n"));
    }
    Checkpoint marker(const std::string& checkpoint) const {
        return get_checkpoint(m_plan, checkpoint);
    }
};

TEST_F(ForecastTest, OfAFreshTree) {
    EXPECT_EQ(forecast(), "import, run, run");
    const CheckpointForecast install = of("deps-installed");
    EXPECT_FALSE(install.marker);
    EXPECT_FALSE(install.parent);
    EXPECT_FALSE(install.key_parts);
    EXPECT_EQ(build_all(), "import, run, run");
}

TEST_F(ForecastTest, OfABuiltTree) {
    build_all();
    EXPECT_EQ(forecast(), "keep, keep, keep");
    const CheckpointForecast install = of("deps-installed");
    EXPECT_EQ(install.marker, marker("deps-installed"));
    EXPECT_EQ(install.image, marker("deps-installed").image);
    EXPECT_EQ(install.parent, marker("setup-base").image);
    EXPECT_EQ(install.key, marker("deps-installed").key);
    EXPECT_EQ(install.key_parts->at("command"), stage("install").command);
    EXPECT_EQ(install.inputs_file, m_plan.inputs_path("install"));
    EXPECT_EQ(build_all(), "keep, keep, keep");
}

TEST_F(ForecastTest, LooksAtTheSourceAsItIsAndChangesNothing) {
    stage("install").inputs = std::vector<std::string>{"deps"};
    write_file_atomically(m_dir / "src/deps", "1");
    build_all();
    write_file_atomically(m_dir / "src/main.c", "edited");
    const auto everything = [&] {
        // (Manifests are marked as synced when that pleases them.)
        return fmt::format("{} {} {} {}", listing(m_dir / "build"), listing(m_dir / "src"),
                           entries_in("layers"), entries_in("snapshots"));
    };
    const std::string before = everything();
    Forecast look(m_engine);
    EXPECT_EQ(text_of(look.all(m_plan)), "keep, keep, run");
    const CheckpointForecast complete = look.of(m_plan, "build-complete");
    EXPECT_NE(complete.inputs_file, m_plan.inputs_path("build"));
    EXPECT_EQ(engine::inputs_digest(complete.inputs_file),
              complete.key_parts->at("inputs").get<std::string>());
    EXPECT_NE(complete.key, marker("build-complete").key);
    EXPECT_EQ(everything(), before);
    EXPECT_EQ(build_all(), "keep, keep, run");
    EXPECT_EQ(marker("build-complete").key, complete.key);
}

TEST_F(ForecastTest, WhatTheStoreHasIsRestored) {
    build_all();
    write_file_atomically(m_dir / "src/main.c", "edited");
    build_all();
    const ImageId edited = marker("build-complete").image;
    write_file_atomically(m_dir / "src/main.c", "int main;");
    stage("install").inputs = std::vector<std::string>();
    EXPECT_EQ(forecast(), "keep, run, run") << "another key, and nobody knows of which parent";
    build_all();
    write_file_atomically(m_dir / "src/main.c", "edited");
    build_all();
    write_file_atomically(m_dir / "src/main.c", "int main;");
    EXPECT_EQ(forecast(), "keep, keep, restore");
    EXPECT_EQ(build_all(), "keep, keep, restore");
    EXPECT_NE(marker("build-complete").image, edited);
}

TEST_F(ForecastTest, MarkersAndImagesThatAreMissing) {
    build_all();
    remove_checkpoint(m_plan, "deps-installed");
    EXPECT_EQ(forecast(), "keep, restore, keep");
    EXPECT_FALSE(of("deps-installed").marker);
    fs::remove(m_engine.witness(marker("build-complete").image));
    EXPECT_EQ(forecast(), "keep, restore, run");
    EXPECT_TRUE(of("build-complete").image_lost);
    EXPECT_EQ(build_all(), "keep, restore, run");
    fs::remove(m_engine.witness(marker("setup-base").image));
    EXPECT_EQ(forecast(), "import, run, run");
    EXPECT_EQ(build_all(), "import, run, run");
}

TEST_F(ForecastTest, RetiredKeysAndPins) {
    build_all();
    retire(m_plan, *marker("build-complete").key, "build-complete");
    remove_checkpoint(m_plan, "build-complete");
    EXPECT_EQ(forecast(), "keep, keep, run");
    EXPECT_TRUE(of("build-complete").retired);
    EXPECT_EQ(build_all(), "keep, keep, run");
    write_pin(m_plan, {.checkpoint = marker("deps-installed"), .since = TimePoint{}});
    stage("install").command = "echo other > /root/deps";
    EXPECT_EQ(forecast(), "keep, keep, keep");
    EXPECT_TRUE(of("deps-installed").pinned);
    EXPECT_NE(of("deps-installed").key, marker("deps-installed").key);
    EXPECT_EQ(build_all(), "keep, keep, keep");
    fs::remove(m_engine.witness(marker("deps-installed").image));
    EXPECT_TRUE(of("deps-installed").image_lost);
}

TEST_F(ForecastTest, StateThatIsOnlyAssumed) {
    build_all();
    PlanState state = read_plan_state(m_plan);
    state.retired.insert(*state.markers.at("build-complete").key);
    state.markers.erase("build-complete");
    Forecast look(m_engine);
    look.assume(m_plan, std::move(state));
    EXPECT_EQ(text_of(look.all(m_plan)), "keep, keep, run");
    EXPECT_EQ(forecast(), "keep, keep, keep");
}

TEST_F(ForecastTest, CopiesOfOtherCheckpointsAndPipelines) {
    Json lib = plan_json(m_dir / "build", "lib", false);
    lib.at("stages").at(1)["command"] = "echo lib > /root/lib";
    const Plan other = make_plan(lib);
    stage("build").copies = {{.plan = other.path,
                              .checkpoint = "build-complete",
                              .path = "/root/lib",
                              .destination = ""}};
    EXPECT_EQ(forecast(), "import, run, run");
    const auto build_other = [&] {
        set_up_base(context(), other);
        scan(m_engine, other);
        EXPECT_TRUE(run_stage(context(), other, other.stages[0]).ok);
        EXPECT_TRUE(run_stage(context(), other, other.stages[1]).ok);
    };
    build_other();
    build_all();
    EXPECT_EQ(forecast(), "keep, keep, keep");
    retire(other, *get_checkpoint(other, "build-complete").key, "build-complete");
    remove_checkpoint(other, "build-complete");
    EXPECT_EQ(forecast(), "keep, keep, run");
    EXPECT_FALSE(of("build-complete").key);
    build_other();
    EXPECT_EQ(forecast(), "keep, keep, run") << "the copy is another image";
    EXPECT_TRUE(of("build-complete").key);
    EXPECT_EQ(build_all(), "keep, keep, run");
}

TEST_F(ForecastTest, BasesAreKnownWithoutAnImport) {
    for (const char* reference : {"host", "tag:none", "rootfs:/none", "docker://none"}) {
        EXPECT_FALSE(m_engine.find_base(reference)) << reference;
    }
    EXPECT_FALSE(m_engine.find_base(ImageId::generate().str()));
    const ImageId known = base();
    EXPECT_EQ(m_engine.find_base(base_reference()), known);
    EXPECT_EQ(m_engine.find_base(known.str()), known);
    m_engine.set_tag("ground", known);
    EXPECT_EQ(m_engine.find_base("tag:ground"), known);
    const ImageId host = m_engine.base("host", engine::Refresh::no).image;
    EXPECT_EQ(m_engine.find_base("host"), host);
    const auto failed = m_engine.run(shell(known, "exit 3")).failed_state.value();
    EXPECT_FALSE(m_engine.find_base(failed.str())) << "nothing can be based on it";
}

}  // namespace
}  // namespace mstage::pipeline
