#include "pipeline/scan.hpp"

#include <algorithm>

#include "base/file.hpp"
#include "base/lock.hpp"
#include "pipeline/checkpoint.hpp"

namespace mstage::pipeline {

namespace {

/// What no snapshot may have, whatever the patterns say: the build tree, and files with secrets.
std::vector<std::filesystem::path> skipped(const Plan& plan) {
    std::vector<std::filesystem::path> paths = {plan.build_dir};
    const auto add_files_of = [&](const Task& task) {
        for (const SecretSource& secret : task.secrets) {
            if (secret.kind == SecretSource::Kind::file) {
                paths.emplace_back(secret.name);
            }
        }
    };
    std::ranges::for_each(plan.stages, add_files_of);
    std::ranges::for_each(plan.tests, add_files_of);
    return paths;
}

engine::SourceRequest request_for(const Plan& plan) {
    engine::SourceRequest request{.root = plan.source,
                                  .exclude = plan.exclude,
                                  .skip = skipped(plan),
                                  .cache_file = plan.state_dir / "stat-cache",
                                  .workdir = plan.workdir,
                                  .stages = {},
                                  .max_watched = plan.scan_every_build ? 0 : k_max_watched};
    for (const Stage& stage : plan.stages) {
        request.stages.push_back(
            {stage.name, stage.inputs, plan.inputs_path(stage.name), stage.exclude});
    }
    return request;
}

}  // namespace

std::vector<std::string> scan(engine::Engine& engine, const Plan& plan) {
    if (plan.stages.empty()) {
        return {};
    }
    // Two build tools may be at work in one build tree.
    const FileLock turn = FileLock::acquire(plan.state_dir / "scan.lock", LockMode::exclusive);
    remove_dead_temporaries(plan.state_dir);
    const engine::SourceReport report = engine.scan(request_for(plan));
    write_depfile(plan, plan.depfile_path("scan"), plan.inputs_path(plan.stages.front().name),
                  report.watched.value_or(std::vector{never_there(plan)}));
    return report.warnings;
}

std::vector<engine::InputsLook> look_at_source(engine::Engine& engine, const Plan& plan,
                                               const std::filesystem::path& scratch) {
    return engine.look(request_for(plan), scratch);
}

}  // namespace mstage::pipeline
