#include "pipeline/failures.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"

namespace mstage::pipeline {

namespace {

constexpr int k_version = 2;

template <typename T>
T id_from(const Json& json) {
    const auto id = T::parse(json.is_string() ? json.get<std::string>() : std::string());
    if (!id) {
        throw Error("no UUID");
    }
    return *id;
}

Failure failure_from(const Json& json) {
    return {id_from<engine::RunId>(json_get<Json>(json, "run")),
            id_from<engine::ImageId>(json_get<Json>(json, "state"))};
}

Failures failures_from(const Json& json) {
    Failures failures;
    if (const int version = json_get<int>(json, "version"); version == 1) {
        failures.attempts.push_back(failure_from(json));
        failures.last_failed = true;
    } else if (version == k_version) {
        failures.last_failed = json_get<bool>(json, "last_failed");
        for (const Json& attempt : json_get<Json>(json, "attempts")) {
            failures.attempts.push_back(failure_from(attempt));
        }
        for (const Json& state : json_get<Json>(json, "leftovers")) {
            failures.leftovers.push_back(id_from<engine::ImageId>(state));
        }
    }
    return failures;
}

void write_failures(const Plan& plan, const std::string& checkpoint, const Failures& failures) {
    Json attempts = Json::array();
    for (const Failure& failure : failures.attempts) {
        attempts.push_back({{"run", failure.run.str()}, {"state", failure.state.str()}});
    }
    Json leftovers = Json::array();
    for (const engine::ImageId& state : failures.leftovers) {
        leftovers.push_back(state.str());
    }
    const Json json = {{"version", k_version},
                       {"checkpoint", checkpoint},
                       {"attempts", std::move(attempts)},
                       {"last_failed", failures.last_failed},
                       {"leftovers", std::move(leftovers)}};
    write_file_atomically(plan.failure_path(checkpoint), dump_json_indented(json));
}

}  // namespace

Failures read_failures(const Plan& plan, const std::string& checkpoint) {
    const auto path = plan.failure_path(checkpoint);
    const auto text = read_file_if_exists(path);
    try {
        return text ? failures_from(parse_json(*text, path.native())) : Failures();
    } catch (const Error&) {
        return {};
    }
}

std::optional<Failure> read_failure(const Plan& plan, const std::string& checkpoint) {
    const Failures failures = read_failures(plan, checkpoint);
    return failures.last_failed && !failures.attempts.empty()
               ? std::optional(failures.attempts.front())
               : std::nullopt;
}

void write_failure(const Plan& plan, const std::string& checkpoint, const Failure& failure) {
    Failures failures = read_failures(plan, checkpoint);
    failures.attempts.insert(failures.attempts.begin(), failure);
    failures.last_failed = true;
    while (failures.attempts.size() > k_kept_failures) {
        failures.leftovers.push_back(failures.attempts.back().state);
        failures.attempts.pop_back();
    }
    write_failures(plan, checkpoint, failures);
}

void remove_leftovers(engine::Engine& engine, const Plan& plan, const std::string& checkpoint) {
    Failures failures = read_failures(plan, checkpoint);
    const auto removed = std::erase_if(failures.leftovers, [&](const engine::ImageId& state) {
        return engine.remove_failed_state(state) != engine::Removal::in_use;
    });
    if (removed > 0) {
        write_failures(plan, checkpoint, failures);
    }
}

void end_failures(const Plan& plan, const std::string& checkpoint) {
    Failures failures = read_failures(plan, checkpoint);
    if (failures.last_failed) {
        failures.last_failed = false;
        write_failures(plan, checkpoint, failures);
    }
}

}  // namespace mstage::pipeline
