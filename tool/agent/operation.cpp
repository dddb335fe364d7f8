#include "agent/operation.hpp"

#include <algorithm>
#include <array>
#include <chrono>

#include "agent/fit.hpp"
#include "agent/output.hpp"
#include "base/file.hpp"
#include "base/uuid.hpp"

namespace mstage::agent {

namespace fs = std::filesystem;

namespace {

constexpr size_t k_kept_files = 1000;
constexpr std::array k_outputs = {"stdout", "stderr"};

struct StatusName {
    Status status;
    const char* name;
};
constexpr std::array k_status_names = {
    StatusName{Status::pending, "PENDING"}, StatusName{Status::executing, "EXECUTING"},
    StatusName{Status::success, "SUCCESS"}, StatusName{Status::failed, "FAILED"},
    StatusName{Status::cancelled, "CANCELLED"}};

Json to_json(const Operation& operation) {
    return {{"version", 1},
            {"id", operation.id},
            {"type", operation.type},
            {"request", operation.request},
            {"status", to_string(operation.status)},
            {"created", format_time(operation.created)},
            {"duration_s", json_or_null(operation.duration_s)},
            {"answer", operation.answer},
            {"failure", operation.failure.message},
            {"hint", operation.failure.hint}};
}

Operation from_json(const Json& json) {
    Operation operation{.id = json_get<std::string>(json, "id"),
                        .type = json_get<std::string>(json, "type"),
                        .request = json_get<Json>(json, "request")};
    const auto status = std::ranges::find_if(k_status_names, [&](const StatusName& one) {
        return json_get<std::string>(json, "status") == one.name;
    });
    if (status == k_status_names.end()) {
        throw Error("field 'status' has an unknown value");
    }
    operation.status = status->status;
    operation.created = parse_time(json_get<std::string>(json, "created"));
    operation.duration_s = json_find<double>(json, "duration_s");
    operation.answer = json_get<Json>(json, "answer");
    operation.failure = {json_get<std::string>(json, "failure"),
                         json_get<std::string>(json, "hint")};
    return operation;
}

}  // namespace

const char* to_string(Status status) {
    return std::ranges::find(k_status_names, status, &StatusName::status)->name;
}

bool is_ok(const Operation& operation) {
    return operation.status == Status::success && operation.answer.is_object() &&
           json_find<int>(operation.answer, "exit_code").value_or(0) == 0 &&
           !operation.answer.contains("error");
}

Json to_entry(const Operation& operation) {
    Json entry = {{"operation_id", operation.id},
                  {"type", operation.type},
                  {"status", to_string(operation.status)},
                  {"ok", is_ok(operation)},
                  {"created_at", format_time(operation.created)}};
    entry.update(operation.request);
    if (operation.duration_s) {
        entry["duration_s"] = *operation.duration_s;
    }
    if (operation.answer.is_object()) {
        entry.update(operation.answer);
        for (const char* output : k_outputs) {
            entry.erase(output);
        }
    }
    if (!operation.failure.message.empty()) {
        entry["error"] = operation.failure.message;
        if (!operation.failure.hint.empty()) {
            entry["hint"] = operation.failure.hint;
        }
    }
    return entry;
}

Json to_answer(const Operation& operation, size_t limit) {
    Json answer = to_entry(operation);
    Json truncated = Json::array();
    for (const char* name : k_outputs) {
        if (!operation.answer.is_object() || !operation.answer.contains(name)) {
            continue;
        }
        const KeptOutput output = KeptOutput::from_json(operation.answer[name]);
        answer[name] = output.shown(limit);
        if (!output.is_whole_in(limit)) {
            truncated.push_back(fmt::format("{}: {} of {} bytes", name, limit, output.size()));
        }
    }
    if (!truncated.empty()) {
        answer["truncated"] = std::move(truncated);
    }
    return answer;
}

Json to_answer(const Operation& operation, OutputLimit limit) {
    if (limit) {
        return to_answer(operation, *limit);
    }
    for (size_t bytes = k_compact_result; bytes > 0; bytes = bytes * 9 / 10) {
        Json answer = to_answer(operation, bytes);
        if (tool_result_size(answer) <= k_compact_result) {
            return answer;
        }
    }
    Json answer = to_answer(operation, 0);
    fit(answer);
    return answer;
}

void OperationFiles::write(const Operation& operation) const {
    make_directories(m_directory, 0700);
    write_file_atomically(m_directory / (operation.id + ".json"),
                          dump_json(to_json(operation)) + "\n");
}

std::optional<Operation> OperationFiles::read(const std::string& id) const {
    if (!Uuid::parse(id)) {
        return std::nullopt;
    }
    const fs::path file = m_directory / (id + ".json");
    const auto text = read_file_if_exists(file);
    // A power cut may have torn it.
    if (!text || !Json::accept(*text)) {
        return std::nullopt;
    }
    return with_context(fmt::format("operation '{}'", file.native()),
                        [&] { return from_json(parse_json(*text, "operation")); });
}

std::vector<std::pair<fs::file_time_type, fs::path>> OperationFiles::newest_first() const {
    std::vector<std::pair<fs::file_time_type, fs::path>> files;
    std::error_code missing;
    for (const auto& entry : fs::directory_iterator(m_directory, missing)) {
        std::error_code gone;
        const auto time = entry.last_write_time(gone);
        if (!gone && entry.path().extension() == ".json") {
            files.emplace_back(time, entry.path());
        }
    }
    std::ranges::sort(files, std::greater());
    return files;
}

void OperationFiles::for_each(TimePoint since,
                              const std::function<bool(const Operation&)>& take) const {
    const auto begin = std::chrono::file_clock::from_sys(since);
    for (const auto& [time, path] : newest_first()) {
        const auto operation = time < begin ? std::nullopt : read(path.stem().native());
        if (time < begin || (operation && !take(*operation))) {
            return;
        }
    }
}

void OperationFiles::prune() const {
    const auto files = newest_first();
    for (size_t i = k_kept_files; i < files.size(); ++i) {
        std::error_code ignored;
        fs::remove(files[i].second, ignored);
    }
}

}  // namespace mstage::agent
