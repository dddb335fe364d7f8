#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "pipeline/report/last_build.hpp"
#include "pipeline/test_runs.hpp"

/// Pieces of the report's data.
namespace mstage::pipeline {

/// Null for one that is missing or not whole.
Json read_json_file(const std::filesystem::path& path);

/// These members of `json`; null for each that is missing.
Json members(const Json& json, std::initializer_list<const char*> names);

/// How many files were added, changed and removed, and the first of them.
Json changes_json(const std::vector<engine::FileChange>& changes);

/// The longest steps of each.
Json inner_builds_json(const std::vector<InnerBuild>& builds);

/// How a run that failed ended, by its record: "It failed with exit code 2".
std::string what_happened(const Json& record);

Json usage_json(const engine::Usage& usage);

/// How a test ended: "passed", "time-out", "interrupted", "exit code 3", "left a secret".
std::string outcome_text(const TestRun& run);

}  // namespace mstage::pipeline
