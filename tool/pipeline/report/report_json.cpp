#include "pipeline/report/report_json.hpp"

#include <algorithm>
#include <functional>
#include <map>

#include "base/error.hpp"
#include "base/file.hpp"

namespace mstage::pipeline {

namespace {

constexpr size_t k_listed_changes = 400;
constexpr size_t k_listed_steps = 20;

double seconds(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}

}  // namespace

Json read_json_file(const std::filesystem::path& path) {
    try {
        const auto text = read_file_if_exists(path);
        return text ? parse_json(*text, path.native()) : Json();
    } catch (const Error&) {
        return nullptr;
    }
}

Json members(const Json& json, std::initializer_list<const char*> names) {
    Json found = Json::object();
    for (const char* name : names) {
        found[name] = json.value(name, Json());
    }
    return found;
}

Json changes_json(const std::vector<engine::FileChange>& changes) {
    std::map<std::string, size_t> counts = {{"added", 0}, {"changed", 0}, {"removed", 0}};
    Json files = Json::array();
    for (const engine::FileChange& change : changes) {
        const char* kind = !change.before ? "added" : !change.after ? "removed" : "changed";
        ++counts[kind];
        if (files.size() < k_listed_changes) {
            const bool has_size = change.after && change.after->type == 'f';
            files.push_back({{"path", change.path()},
                             {"change", kind},
                             {"size_bytes", has_size ? Json(change.after->size) : Json()}});
        }
    }
    Json json = counts;
    json["total"] = changes.size();
    json["files"] = std::move(files);
    return json;
}

Json inner_builds_json(const std::vector<InnerBuild>& builds) {
    Json list = Json::array();
    for (const InnerBuild& build : builds) {
        std::vector<NinjaStep> steps = build.steps;
        std::ranges::stable_sort(steps, std::greater{}, &NinjaStep::duration);
        steps.resize(std::min(steps.size(), k_listed_steps));
        Json slowest = Json::array();
        for (const NinjaStep& step : steps) {
            slowest.push_back({{"output", step.output}, {"duration_s", seconds(step.duration)}});
        }
        list.push_back(
            {{"log", build.log}, {"steps", build.steps.size()}, {"slowest", std::move(slowest)}});
    }
    return list;
}

std::string what_happened(const Json& record) {
    if (json_find<bool>(record, "timed_out").value_or(false)) {
        return "It was ended by its time-out";
    }
    if (const auto signal = json_find<int>(record, "interrupted_by")) {
        return fmt::format("It was interrupted by signal {}", *signal);
    }
    if (const auto signal = json_find<int>(record, "signal")) {
        return fmt::format("It failed with signal {}", *signal);
    }
    return fmt::format("It failed with exit code {}",
                       json_find<int>(record, "exit_code").value_or(0));
}

Json usage_json(const engine::Usage& usage) {
    return {{"wall_s", seconds(usage.wall)},
            {"user_s", seconds(usage.user)},
            {"system_s", seconds(usage.system)},
            {"peak_memory_bytes", usage.peak_memory}};
}

std::string outcome_text(const TestRun& run) {
    const engine::Outcome& outcome = run.outcome;
    if (outcome.timed_out) {
        return "time-out";
    }
    if (outcome.interrupted_by) {
        return "interrupted";
    }
    if (outcome.code != 0) {
        return fmt::format("exit code {}", outcome.code);
    }
    return run.passed ? "passed" : "left a secret";
}

}  // namespace mstage::pipeline
