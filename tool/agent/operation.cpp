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
           json_find<int>(operation.answer, "exit_code").value_or(0) == 0;
}

Json to_entry(const Operation& operation) {
    Json entry = {{"operation_id", operation.id},
                  {"type", operation.type},
                  {"status", to_string(operation.status)},
                  {"created_at", format_time(operation.created)}};
    if (operation.has_ended()) {
        entry["ok"] = is_ok(operation);
    }
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
            truncated.push_back(
                fmt::format("{}: {} of {} bytes", name, output.shown_size(limit), output.size()));
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
    Json answer = fitted([&](size_t bytes) { return to_answer(operation, bytes); });
    fit(answer);
    return answer;
}

void OperationFiles::write(const Operation& operation) const {
    make_directories(m_directory, 0700);
    Operation without = operation;
    Json outputs = Json::object();
    for (const char* name : k_outputs) {
        if (without.answer.is_object() && without.answer.contains(name)) {
            outputs[name] = std::move(without.answer[name]);
            without.answer.erase(name);
        }
    }
    if (!outputs.empty()) {
        write_file_atomically(m_directory / (operation.id + ".outputs"), dump_json(outputs));
    }
    write_file_atomically(m_directory / (operation.id + ".json"),
                          dump_json(to_json(without)) + "\n");
}

std::optional<Operation> OperationFiles::read(const std::string& id, Outputs outputs) const {
    const auto uuid = Uuid::parse(id);
    if (!uuid) {
        return std::nullopt;
    }
    const auto content = [&](const char* kind) {
        return read_file_if_exists(m_directory / (uuid->str() + kind));
    };
    // A power cut may have torn it, and another version may have written it: then it is none of ours.
    try {
        const auto text = content(".json");
        if (!text) {
            return std::nullopt;
        }
        Operation operation = from_json(parse_json(*text, "operation"));
        if (const auto more = outputs == Outputs::yes ? content(".outputs") : std::nullopt) {
            operation.answer.update(parse_json(*more, "outputs"));
        }
        if (!operation.has_ended()) {
            operation.status = Status::failed;
            operation.failure = {"its server ended before it did, or runs it still",
                                 "do it again if it is not there"};
        }
        return operation;
    } catch (const std::exception&) {
        return std::nullopt;
    }
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
        const auto operation =
            time < begin ? std::nullopt : read(path.stem().native(), Outputs::no);
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
        fs::remove(fs::path(files[i].second).replace_extension(".outputs"), ignored);
    }
}

}  // namespace mstage::agent
