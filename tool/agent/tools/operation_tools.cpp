#include "agent/tools/operation_tools.hpp"

#include <algorithm>
#include <array>

#include "agent/fit.hpp"
#include "agent/output.hpp"
#include "agent/tools/arguments.hpp"
#include "base/error.hpp"
#include "base/file_end.hpp"

namespace mstage::agent {

namespace {

OutputLimit output_limit(const Json& arguments) {
    return json_find<size_t>(arguments, "truncate_output_at");
}

/// A run that was none of ours, as an operation. Its record has both outputs as one.
Operation recorded_run(const engine::RunId& id, const engine::RunRecord& record) {
    const engine::Outcome& outcome = record.outcome;
    Operation operation{.id = id.str(), .type = "run", .request = {{"command", record.command}}};
    operation.status = Status::success;
    operation.created = record.started;
    operation.duration_s = std::chrono::duration<double>(outcome.usage.wall).count();
    const size_t kept = kept_size(std::nullopt);
    KeptOutput output(kept);
    std::error_code missing;
    if (std::filesystem::exists(record.log, missing)) {
        output.add(read_end_of_file(record.log, kept));
    }
    operation.answer = {{"exit_code", outcome.timed_out ? -1 : outcome.code},
                        {"timed_out", outcome.timed_out},
                        {"filesystem_changed", record.filesystem_changed},
                        {"stdout", output.to_json()},
                        {"note", "stdout has the end of both outputs: " + record.log.native()}};
    return operation;
}

/// What tells how one of several operations ended.
Json short_answer(const Operation& operation, size_t limit) {
    static constexpr std::array k_told = {"status",    "ok",     "exit_code",    "timed_out",
                                          "stdout",    "stderr", "result_image", "failed_state",
                                          "truncated", "image",  "error",        "hint"};
    const Json answer = to_answer(operation, limit);
    Json told = Json::object();
    if (const auto command = json_find<std::string>(operation.request, "command")) {
        constexpr size_t k_recognisable = 60;
        told["command"] = whole_characters(std::string_view(*command).substr(0, k_recognisable));
    }
    for (const char* name : k_told) {
        const auto member = answer.find(name);
        const bool is_empty = member == answer.end() || member->is_null() || *member == "";
        // What a run ran on is known.
        if (!is_empty && (operation.type != "run" || std::string_view(name) != "image")) {
            told[name] = *member;
        }
    }
    return told;
}

}  // namespace

Json get_operation(const Settings& settings, const OperationQueue& queue, const Json& arguments) {
    const auto id = json_get<std::string>(arguments, "operation_id");
    if (const auto operation = queue.find(id)) {
        return to_answer(*operation, output_limit(arguments));
    }
    if (const auto run = engine::RunId::parse(id)) {
        if (const auto record = settings.open(std::nullopt).engine->find_run(*run)) {
            return to_answer(recorded_run(*run, *record), output_limit(arguments));
        }
    }
    throw with_hint(Error("operation '{}' is unknown", id), "list_operations shows the last ones");
}

Json ended_answer(const OperationQueue& queue, const std::string& id, bool is_own,
                  OutputLimit limit) {
    const auto operation = queue.find(id);
    if (!operation) {
        throw Error("what is known of operation '{}' was lost", id);
    }
    if (is_own && operation->status == Status::failed && operation->answer.is_null()) {
        throw with_hint(Error("{}", operation->failure.message), operation->failure.hint);
    }
    return to_answer(*operation, limit);
}

Json list_operations(const OperationQueue& queue, const Json& arguments) {
    constexpr size_t k_most = 100;  // more than these never fit
    const auto limit = json_find<size_t>(arguments, "limit");
    const auto status = json_find<std::string>(arguments, "status");
    const auto type = json_find<std::string>(arguments, "type");
    const auto since_text = json_find<std::string>(arguments, "since");
    const TimePoint since = since_text ? parse_point_in_time(*since_text) : TimePoint{};
    Json list = Json::array();
    const auto take = [&](const Operation& operation) {
        if ((!status || *status == to_string(operation.status)) &&
            (!type || *type == operation.type) && operation.created >= since) {
            list.push_back(to_entry(operation));
        }
        return list.size() < limit.value_or(k_most);
    };
    for (const Operation& operation : queue.unfinished()) {
        if (!take(operation)) {
            break;
        }
    }
    if (list.size() < limit.value_or(k_most)) {
        queue.files().for_each(since, [&](const Operation& operation) {
            return queue.is_unfinished(operation.id) || take(operation);
        });
    }
    Json answer = {{"operations", std::move(list)}};
    if (!limit) {
        fit(answer);
    }
    return answer;
}

Json waited_answer(const OperationQueue& queue, const std::vector<std::string>& ids,
                   bool time_was_up, OutputLimit limit) {
    std::vector<Operation> operations;
    Json answer = {{"results", Json::object()},
                   {"completed", Json::array()},
                   {"cancelled", Json::array()},
                   {"timed_out", time_was_up}};
    for (const std::string& id : ids) {
        if (auto operation = queue.find(id)) {
            answer[operation->status == Status::cancelled ? "cancelled" : "completed"].push_back(
                id);
            operations.push_back(std::move(*operation));
        }
    }
    const auto with_results = [&](size_t bytes) {
        Json whole = answer;
        for (const Operation& operation : operations) {
            whole["results"][operation.id] = short_answer(operation, bytes);
        }
        return whole;
    };
    answer = limit ? with_results(*limit) : fitted(with_results);
    // So many that not even their ends fit.
    Json& results = answer["results"];
    const size_t total = results.size();
    while (!limit && results.size() > 1 && tool_result_size(answer) > k_compact_result) {
        for (size_t i = results.size() / 2; i > 0; --i) {
            results.erase(std::prev(results.end()));
        }
        answer["truncated"] = {fmt::format("results: {} of {}; get_operation shows the others",
                                           results.size(), total)};
    }
    if (!limit) {
        fit(answer);
    }
    return answer;
}

}  // namespace mstage::agent
