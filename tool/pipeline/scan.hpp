#pragma once

#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "pipeline/plan.hpp"

namespace mstage::pipeline {

/// More files and directories than this are not named in the dependency file: Ninja reads it at
/// every start and compares each entry with all before it, which takes longer than a walk of ours
/// does. The file then names one path that is never there, so that the scan runs in every build and
/// lets the build tool prune what is behind it.
constexpr size_t k_max_watched = 1000;

/// Scans the source for all stages of the plan: digest files, and the dependency file of the scan.
/// Returns warnings.
std::vector<std::string> scan(engine::Engine& engine, const Plan& plan);

/// What that would find, see Engine::look().
std::vector<engine::InputsLook> look_at_source(engine::Engine& engine, const Plan& plan,
                                               const std::filesystem::path& scratch);

}  // namespace mstage::pipeline
