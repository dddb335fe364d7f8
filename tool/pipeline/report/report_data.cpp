#include "pipeline/report/report_data.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/template.hpp"
#include "pipeline/checkpoint.hpp"
#include "pipeline/report/log_parts.hpp"
#include "pipeline/report/report_commands.hpp"
#include "pipeline/report/report_json.hpp"
#include "pipeline/report/template.hpp"
#include "pipeline/status.hpp"

namespace mstage::pipeline {

namespace {

constexpr size_t k_log_head = 48UL * 1024;
constexpr size_t k_log_tail = 144UL * 1024;
constexpr size_t k_test_log_head = 8UL * 1024;
constexpr size_t k_test_log_tail = 24UL * 1024;
constexpr size_t k_listed_history = 100;
constexpr size_t k_listed_generations = 3;

Json or_null(const std::string& text) {
    return text.empty() ? Json() : Json(text);
}

/// One pipeline's share of what is known, looked up once.
class Reporter {
public:
    Reporter(engine::Engine& engine, const BuildTree& tree, const ReportRequest& request)
        : m_engine(engine),
          m_request(request),
          m_plan(request.plan),
          m_commands(request.helper, request.plan),
          m_history(read_history(request.plan)) {
        for (CheckpointStatus& status : status_of(engine, tree)) {
            if (status.pipeline == m_plan.pipeline && status.config == m_plan.config) {
                m_statuses.push_back(std::move(status));
            }
        }
    }

    Json data() {
        Json checkpoints = Json::array();
        for (const CheckpointStatus& status : m_statuses) {
            checkpoints.push_back(checkpoint_json(status));
        }
        return {
            {"version", 1},
            {"generated", format_time(m_request.now)},
            {"mstage", m_request.version},
            {"title", m_plan.pipeline + (m_plan.config ? ":" + *m_plan.config : "")},
            {"pipeline", m_plan.pipeline},
            {"config", json_or_null(m_plan.config)},
            {"source", m_plan.source.native()},
            {"build_dir", m_plan.build_dir.native()},
            {"base", m_plan.base},
            {"checkpoints", std::move(checkpoints)},
            {"timeline", timeline_json()},
            {"tests", tests_json()},
            {"history", history_json()},
            {"history_left_out", m_history.size() - std::min(m_history.size(), k_listed_history)},
            {"history_command", m_commands.verb("history")}};
    }

private:
    Json checkpoint_json(const CheckpointStatus& status) {
        const Stage* stage = m_plan.stage_of_checkpoint(status.checkpoint);
        Json json = stage != nullptr ? stage_json(*stage) : base_json();
        json.update({{"name", status.checkpoint},
                     {"from", or_null(status.from)},
                     {"state", to_string(status.state)},
                     {"image", status.image ? Json(status.image->id.str()) : Json()},
                     {"created", status.image ? Json(format_time(status.image->created)) : Json()},
                     {"size_bytes", status.image ? Json(status.size) : Json()},
                     {"commands", m_commands.of(status.checkpoint, status.from)},
                     {"generations", generations_json(status)}});
        add_run(status, json);
        return json;
    }

    /// The last thing that happened to the checkpoint; nullptr when that is not known.
    const HistoryEntry* last_entry(const std::string& checkpoint) const {
        const auto entry =
            std::find_if(m_history.rbegin(), m_history.rend(),
                         [&](const HistoryEntry& one) { return one.checkpoint == checkpoint; });
        return entry == m_history.rend() ? nullptr : &*entry;
    }

    /// The attempt at a checkpoint that failed, if it was the last one.
    const HistoryEntry* failed_attempt(const CheckpointStatus& status) const {
        const HistoryEntry* last = status.image ? nullptr : last_entry(status.checkpoint);
        return last != nullptr && last->event == HistoryEvent::failed ? last : nullptr;
    }

    Json stage_json(const Stage& stage) const {
        Json copies = Json::array();
        for (const StageCopy& copy : stage.copies) {
            copies.push_back({{"checkpoint", copy.checkpoint},
                              {"path", copy.path},
                              {"foreign", copy.plan.has_value()}});
        }
        Json caches = Json::array();
        for (const engine::Cache& cache : stage.caches) {
            caches.push_back(cache.path);
        }
        return {{"stage", stage.name},
                {"command", stage.command},
                {"environment", stage.environment},
                {"workdir", stage.workdir},
                {"user", stage.user},
                {"network", stage.network},
                {"timeout_s", stage.timeout.count()},
                {"inputs", json_or_null(stage.inputs)},
                {"caches", std::move(caches)},
                {"copies", std::move(copies)}};
    }

    Json base_json() const {
        return {{"stage", k_setup_base},
                {"command", m_plan.base},
                {"environment", Json::object()},
                {"workdir", ""},
                {"user", ""},
                {"network", true},
                {"timeout_s", 0},
                {"inputs", nullptr},
                {"caches", Json::array()},
                {"copies", Json::array()}};
    }

    /// Of the attempt that failed last, else of the run that made the image: its record, log, changes
    /// and inner builds.
    void add_run(const CheckpointStatus& status, Json& json) {
        json.update({{"run", nullptr},
                     {"log", nullptr},
                     {"failure", nullptr},
                     {"changes", nullptr},
                     {"inner_builds", Json::array()}});
        const HistoryEntry* failed = failed_attempt(status);
        if (failed != nullptr) {
            add_record(*failed->run, failed, json);
            add_changes(*failed, json);
        } else if (status.image && !status.from.empty()) {
            const auto entry = made_by(status.checkpoint, status.image->id);
            if (const auto run = entry && entry->run ? entry->run : status.image->run) {
                add_record(*run, nullptr, json);
            }
            add_changes(entry.value_or(HistoryEntry{.image = status.image->id,
                                                    .parent = status.image->parent}),
                        json);
        }
    }

    void add_record(const engine::RunId& run, const HistoryEntry* failed, Json& json) {
        const std::filesystem::path directory = m_engine.run_directory(run);
        const Json record = read_json_file(directory / "run.json");
        if (record.is_object()) {
            json["run"] = members(record, {"wall_s", "user_s", "system_s", "peak_memory_bytes",
                                           "read_bytes", "written_bytes"});
            json["failure"] = failed != nullptr ? failure_json(directory, record, *failed) : Json();
        }
        json["log"] = log_parts(directory / "output.log", k_log_head, k_log_tail);
    }

    void add_changes(const HistoryEntry& entry, Json& json) {
        if (const auto changes = changes_of(m_engine, entry.parent, entry.image)) {
            json["changes"] = changes_json(*changes);
            json["inner_builds"] = inner_builds_json(inner_builds(m_engine, entry, *changes));
        }
    }

    /// A stage that wrote nothing has its parent's image, of which another run is the maker.
    std::optional<HistoryEntry> made_by(const std::string& checkpoint,
                                        const engine::ImageId& image) const {
        const auto entry =
            std::find_if(m_history.rbegin(), m_history.rend(), [&](const HistoryEntry& candidate) {
                return candidate.checkpoint == checkpoint && candidate.image == image &&
                       candidate.event == HistoryEvent::ran;
            });
        return entry == m_history.rend() ? std::nullopt : std::optional(*entry);
    }

    static Json failure_json(const std::filesystem::path& directory, const Json& record,
                             const HistoryEntry& attempt) {
        const Json report = read_json_file(directory / "report.json");
        Json json = {{"what", what_happened(record)},
                     {"failed_state", json_or_null(attempt.image)},
                     {"note", ""},
                     {"rollback_points", Json::array()}};
        if (report.is_object()) {
            json.update(members(report, {"note", "rollback_points"}));
        }
        return json;
    }

    Json generations_json(const CheckpointStatus& status) const {
        Json list = Json::array();
        const auto all = generations(m_history, status.checkpoint);
        for (auto entry = all.rbegin(); entry != all.rend() && list.size() < k_listed_generations;
             ++entry) {
            const bool is_present = status.image && entry->image == status.image->id;
            if (!is_present && m_engine.find(*entry->image)) {
                list.push_back({{"image", entry->image->str()},
                                {"time", format_time(entry->time)},
                                {"command", m_commands.rollback(status.checkpoint,
                                                                " --to " + entry->image->str())}});
            }
        }
        return list;
    }

    Json timeline_json() const {
        Json list = Json::array();
        for (const HistoryEntry& entry : last_build(m_history)) {
            list.push_back({{"checkpoint", entry.checkpoint},
                            {"event", to_string(entry.event)},
                            {"duration_s", json_or_null(entry.duration_s)},
                            {"phases", engine::to_json(entry.phases)}});
        }
        return list;
    }

    Json tests_json() {
        std::map<std::string, std::vector<TestRun>> runs;
        for (TestRun& run : read_test_runs(m_plan)) {
            runs[run.test].push_back(std::move(run));
        }
        Json list = Json::array();
        for (const auto& test : m_plan.tests) {
            const auto found = runs.find(test.name);
            list.push_back(
                {{"name", test.name},
                 {"from", test.from},
                 {"command", test.command},
                 {"result", found == runs.end() ? Json() : result_json(test, found->second)}});
        }
        return list;
    }

    /// Of the last run; and how many there were on the same image, and how many of them failed.
    Json result_json(const Task& test, const std::vector<TestRun>& runs) {
        const TestRun& last = runs.back();
        const auto on_image = [&](const TestRun& run) { return run.image == last.image; };
        const auto failed = [&](const TestRun& run) { return on_image(run) && !run.passed; };
        const auto checkpoint = read_checkpoint(m_plan, test.from);
        Json json = usage_json(last.outcome.usage);
        json.update({{"time", format_time(last.time)},
                     {"outcome", outcome_text(last)},
                     {"current", checkpoint && checkpoint->image == last.image},
                     {"runs", std::ranges::count_if(runs, on_image)},
                     {"failed_runs", std::ranges::count_if(runs, failed)},
                     {"log", log_parts(m_engine.run_directory(last.run) / "output.log",
                                       k_test_log_head, k_test_log_tail)}});
        return json;
    }

    Json history_json() const {
        Json list = Json::array();
        for (auto entry = m_history.rbegin();
             entry != m_history.rend() && list.size() < k_listed_history; ++entry) {
            list.push_back(members(
                to_json(*entry), {"time", "checkpoint", "event", "image", "duration_s", "pinned"}));
        }
        return list;
    }

    engine::Engine& m_engine;
    const ReportRequest& m_request;
    const Plan& m_plan;
    ReportCommands m_commands;
    std::vector<HistoryEntry> m_history;
    std::vector<CheckpointStatus> m_statuses;
};

}  // namespace

Json report_data(engine::Engine& engine, const BuildTree& tree, const ReportRequest& request) {
    return Reporter(engine, tree, request).data();
}

std::string report_page(const Json& data) {
    const auto text = [&](const char* name) {
        return escape_html(escape_control(json_get<std::string>(data, name)));
    };
    return fill_template(report_template(), {{"title", text("title")},
                                             {"version", text("mstage")},
                                             {"style", std::string(report_style())},
                                             {"script", std::string(report_script())},
                                             {"data", json_for_html(data)}});
}

TracedPipeline trace_of(engine::Engine& engine, const Plan& plan) {
    TracedPipeline traced{.name = plan.pipeline + (plan.config ? ":" + *plan.config : ""),
                          .stages = {}};
    std::optional<TimePoint> start;
    for (HistoryEntry& entry : last_build(read_history(plan))) {
        const Stage* stage = plan.stage_of_checkpoint(entry.checkpoint);
        const auto changes = changes_of(engine, entry.parent, entry.image);
        std::vector<InnerBuild> inner =
            changes ? inner_builds(engine, entry, *changes) : std::vector<InnerBuild>();
        start = start ? start : span_of(entry)->start;
        traced.stages.push_back({.entry = std::move(entry),
                                 .command = stage != nullptr ? stage->command : plan.base,
                                 .inner = std::move(inner)});
    }
    for (TestRun& result : read_test_runs(plan)) {
        if (start && result.time >= *start) {
            traced.tests.push_back(std::move(result));
        }
    }
    return traced;
}

}  // namespace mstage::pipeline
