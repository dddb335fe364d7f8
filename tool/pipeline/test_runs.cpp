#include "pipeline/test_runs.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "pipeline/journal.hpp"

namespace mstage::pipeline {

namespace {

constexpr int k_version = 1;

std::filesystem::path results_path(const Plan& plan) {
    return plan.state_dir / "tests";
}

double seconds(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}

std::chrono::nanoseconds nanoseconds(const Json& json, const char* name) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(json_get<double>(json, name)));
}

template <typename T>
T get_id(const Json& json, const char* name) {
    const auto id = T::parse(json_get<std::string>(json, name));
    if (!id) {
        throw Error("field '{}' is no UUID", name);
    }
    return *id;
}

std::optional<TestRun> result_from(const std::string& line) {
    try {
        const Json json = parse_json(line, "test result");
        if (json_get<int>(json, "version") != k_version) {
            return std::nullopt;
        }
        TestRun result{.time = parse_time(json_get<std::string>(json, "time")),
                       .test = json_get<std::string>(json, "test"),
                       .image = get_id<engine::ImageId>(json, "image"),
                       .run = get_id<engine::RunId>(json, "run")};
        engine::Outcome& outcome = result.outcome;
        result.passed = json_get<bool>(json, "passed");
        outcome.code = json_get<int>(json, "exit_code");
        outcome.timed_out = json_get<bool>(json, "timed_out");
        outcome.interrupted_by = json_find<int>(json, "interrupted_by");
        outcome.usage.wall = nanoseconds(json, "wall_s");
        outcome.usage.user = nanoseconds(json, "user_s");
        outcome.usage.system = nanoseconds(json, "system_s");
        outcome.usage.peak_memory = json_get<std::uint64_t>(json, "peak_memory_bytes");
        return result;
    } catch (const Error&) {
        return std::nullopt;
    }
}

}  // namespace

void append_test_run(const Plan& plan, const TestRun& result) {
    const engine::Outcome& outcome = result.outcome;
    const Json json = {{"version", k_version},
                       {"time", format_time(result.time)},
                       {"test", result.test},
                       {"image", result.image.str()},
                       {"run", result.run.str()},
                       {"passed", result.passed},
                       {"exit_code", outcome.code},
                       {"timed_out", outcome.timed_out},
                       {"interrupted_by", json_or_null(outcome.interrupted_by)},
                       {"wall_s", seconds(outcome.usage.wall)},
                       {"user_s", seconds(outcome.usage.user)},
                       {"system_s", seconds(outcome.usage.system)},
                       {"peak_memory_bytes", outcome.usage.peak_memory}};
    append_journal(results_path(plan), dump_json(json) + "\n");
}

std::vector<TestRun> read_test_runs(const Plan& plan) {
    std::vector<TestRun> results;
    for (const std::string& line : read_journal(results_path(plan))) {
        if (auto result = result_from(line)) {
            results.push_back(std::move(*result));
        }
    }
    return results;
}

}  // namespace mstage::pipeline
