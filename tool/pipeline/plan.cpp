#include "pipeline/plan.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"

namespace mstage::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr int k_version = 1;

void read_task(const Json& json, Task& task) {
    task.name = json_get<std::string>(json, "name");
    task.from = json_get<std::string>(json, "from");
    task.command = json_get<std::string>(json, "command");
    task.environment = json_get<std::map<std::string, std::string>>(json, "environment");
    task.workdir = json_get<std::string>(json, "workdir");
    // Plans of the first versions lack these.
    task.user = json_find<std::string>(json, "user").value_or("");
    task.caches = engine::parse_caches(
        json_find<std::vector<std::string>>(json, "caches").value_or(std::vector<std::string>()));
    task.secrets = parse_secrets(
        json_find<std::vector<std::string>>(json, "secrets").value_or(std::vector<std::string>()));
    task.network = json_get<bool>(json, "network");
    task.timeout = std::chrono::seconds(json_get<std::int64_t>(json, "timeout"));
}

template <typename T, typename F>
std::vector<T> read_list(const Json& json, const char* name, const F& read) {
    std::vector<T> items;
    for (const Json& item : json_get<Json>(json, name)) {
        items.push_back(
            with_context(fmt::format("{}[{}]", name, items.size()), [&] { return read(item); }));
    }
    return items;
}

StageCopy read_copy(const Json& json) {
    return {.plan = json_find<std::string>(json, "plan"),
            .checkpoint = json_get<std::string>(json, "checkpoint"),
            .path = json_get<std::string>(json, "path"),
            .destination = json_get<std::string>(json, "destination")};
}

Artifact read_artifact(const Json& json) {
    return {.paths = json_get<std::vector<std::string>>(json, "paths"),
            .destination = json_get<std::string>(json, "destination"),
            .record = json_get<std::string>(json, "record")};
}

Stage read_stage(const Json& json) {
    Stage stage;
    read_task(json, stage);
    stage.checkpoint = json_get<std::string>(json, "checkpoint");
    stage.target = json_get<std::string>(json, "target");
    stage.inputs = json_find<std::vector<std::string>>(json, "inputs");
    stage.exclude = json_get<std::vector<std::string>>(json, "exclude");
    stage.copies = read_list<StageCopy>(json, "copies", read_copy);
    stage.live = json_get<bool>(json, "live");
    if (json.contains("artifacts")) {  // plans of the first versions lack them
        stage.artifacts = read_list<Artifact>(json, "artifacts", read_artifact);
    }
    return stage;
}

Test read_test(const Json& json) {
    Test test;
    read_task(json, test);
    // Plans of the first versions lack these two.
    test.repeat = std::max<std::size_t>(1, json_find<std::size_t>(json, "repeat").value_or(1));
    test.at_once = std::max<std::size_t>(1, json_find<std::size_t>(json, "processors").value_or(1));
    return test;
}

Plan plan_from(const Json& json) {
    if (const int version = json_get<int>(json, "version"); version != k_version) {
        throw Error("version {} is not known to this mstage", version);
    }
    Plan plan;
    plan.pipeline = json_get<std::string>(json, "pipeline");
    plan.is_default = json_get<bool>(json, "default");
    plan.config = json_find<std::string>(json, "config");
    plan.default_config = json_find<std::string>(json, "default_config");
    plan.source = json_get<std::string>(json, "source");
    plan.build_dir = json_get<std::string>(json, "build_dir");
    plan.state_dir = json_get<std::string>(json, "state_dir");
    plan.store = json_find<std::string>(json, "store");
    plan.engine = json_get<std::string>(json, "engine");
    plan.base = json_get<std::string>(json, "base");
    plan.workdir = json_get<std::string>(json, "workdir");
    plan.exclude = json_get<std::vector<std::string>>(json, "exclude");
    plan.scan_every_build = json_get<bool>(json, "scan_every_build");
    plan.build_tool = json_get<std::string>(json, "build_tool");
    plan.stages = read_list<Stage>(json, "stages", read_stage);
    plan.tests = read_list<Test>(json, "tests", read_test);
    return plan;
}

template <typename T>
const T* find_by_name(const std::vector<T>& tasks, const std::string& name) {
    const auto found = std::ranges::find(tasks, name, &T::name);
    return found == tasks.end() ? nullptr : &*found;
}

}  // namespace

const Stage& Plan::stage(const std::string& name) const {
    const Stage* found = find_by_name(stages, name);
    if (found == nullptr) {
        throw UsageError("pipeline '{}' has no stage '{}'", pipeline, name);
    }
    return *found;
}

const Test& Plan::test(const std::string& name) const {
    const Test* found = find_by_name(tests, name);
    if (found == nullptr) {
        throw UsageError("pipeline '{}' has no test '{}'", pipeline, name);
    }
    return *found;
}

const Stage* Plan::stage_of_checkpoint(const std::string& checkpoint) const {
    const auto found = std::ranges::find(stages, checkpoint, &Stage::checkpoint);
    return found == stages.end() ? nullptr : &*found;
}

bool Plan::has_checkpoint(const std::string& checkpoint) const {
    return checkpoint == k_setup_base || stage_of_checkpoint(checkpoint) != nullptr;
}

fs::path Plan::marker_path(const std::string& checkpoint) const {
    return state_dir / (checkpoint + ".checkpoint");
}

fs::path Plan::depfile_path(const std::string& name) const {
    return state_dir / (name + ".d");
}

fs::path Plan::inputs_path(const std::string& stage) const {
    return state_dir / (stage + ".inputs");
}

fs::path Plan::failure_path(const std::string& checkpoint) const {
    return state_dir / (checkpoint + ".failed");
}

fs::path Plan::running_path(const std::string& checkpoint) const {
    return state_dir / (checkpoint + ".running");
}

std::string Plan::full_name(const std::string& checkpoint) const {
    return pipeline + "." + checkpoint + (config ? ":" + *config : "");
}

std::string Plan::build_command(const std::string& checkpoint) const {
    const Stage* stage = stage_of_checkpoint(checkpoint);
    return build_tool + " " + (stage != nullptr ? stage->target : pipeline + "." + checkpoint);
}

std::string Plan::build_command_for(const std::string& what, const std::string& checkpoint) const {
    const Stage* stage = stage_of_checkpoint(checkpoint);
    // Those of the first pipeline go by their own names, where nothing else is called so.
    const bool is_short = stage != nullptr ? stage->target == checkpoint : is_default;
    return fmt::format("{} {}{}{}", build_tool, is_short ? "" : pipeline + ".", what, checkpoint);
}

Plan read_plan(const fs::path& path) {
    return with_context(fmt::format("plan '{}'", path.native()), [&] {
        Plan plan = plan_from(parse_json(read_file(path), "content"));
        plan.path = path;
        return plan;
    });
}

}  // namespace mstage::pipeline
