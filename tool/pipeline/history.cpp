#include "pipeline/history.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "pipeline/checkpoint.hpp"
#include "pipeline/journal.hpp"
#include "pipeline/state_file.hpp"

namespace mstage::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr int k_version = 1;

constexpr std::array<std::string_view, 8> k_events = {
    "imported", "ran", "restored", "failed", "rolled-back", "dropped", "unpinned", "undone"};

fs::path history_path(const Plan& plan) {
    return plan.state_dir / "history";
}

/// Nothing for what is no line of this version.
std::optional<HistoryEntry> entry_from(std::string_view line) {
    try {
        const Json json = parse_json(line, "history");
        const auto event = event_from(json_get<std::string>(json, "event"));
        if (json_get<int>(json, "version") != k_version || !event) {
            return std::nullopt;
        }
        return HistoryEntry{.time = parse_time(json_get<std::string>(json, "time")),
                            .checkpoint = json_get<std::string>(json, "checkpoint"),
                            .event = *event,
                            .image = find_id<engine::ImageId>(json, "image"),
                            .parent = find_id<engine::ImageId>(json, "parent"),
                            .key = find_text(json, "key"),
                            .run = find_id<engine::RunId>(json, "run"),
                            .duration_s = json_find<double>(json, "duration_s"),
                            .phases = engine::phases_from_json(json_get<Json>(json, "phases")),
                            .pinned = json_get<bool>(json, "pinned")};
    } catch (const Error&) {
        return std::nullopt;
    }
}

/// Entries of lines that have `part` in them.
std::vector<HistoryEntry> read_lines(const Plan& plan, std::string_view part) {
    std::vector<HistoryEntry> entries;
    for (const std::string& line : read_journal(history_path(plan), part)) {
        if (auto entry = entry_from(line)) {
            entries.push_back(std::move(*entry));
        }
    }
    return entries;
}

}  // namespace

const char* to_string(HistoryEvent event) {
    return k_events.at(static_cast<size_t>(event)).data();
}

std::optional<HistoryEvent> event_from(std::string_view text) {
    const auto found = std::ranges::find(k_events, text);
    return found == k_events.end() ? std::nullopt
                                   : std::optional(HistoryEvent(found - k_events.begin()));
}

Json to_json(const HistoryEntry& entry) {
    return {{"version", k_version},
            {"time", format_time(entry.time)},
            {"checkpoint", entry.checkpoint},
            {"event", to_string(entry.event)},
            {"image", json_or_null(entry.image)},
            {"parent", json_or_null(entry.parent)},
            {"key", json_or_null(entry.key)},
            {"run", json_or_null(entry.run)},
            {"duration_s", json_or_null(entry.duration_s)},
            {"phases", engine::to_json(entry.phases)},
            {"pinned", entry.pinned}};
}

void append_history(const Plan& plan, const std::vector<HistoryEntry>& entries) {
    if (entries.empty()) {
        return;
    }
    std::string text;
    for (const HistoryEntry& entry : entries) {
        text += dump_json(to_json(entry)) + "\n";
    }
    append_journal(history_path(plan), text);
}

bool has_entry(const Plan& plan, const HistoryEntry& entry) {
    return read_file_if_exists(history_path(plan)).value_or("").find(dump_json(to_json(entry))) !=
           std::string::npos;
}

std::vector<HistoryEntry> read_history(const Plan& plan) {
    return read_lines(plan, "");
}

std::vector<HistoryEntry> read_history(const Plan& plan, const std::string& checkpoint) {
    std::vector<HistoryEntry> entries = read_lines(plan, checkpoint);
    std::erase_if(entries,
                  [&](const HistoryEntry& entry) { return entry.checkpoint != checkpoint; });
    return entries;
}

bool makes_generation(const HistoryEntry& entry) {
    const bool is_one = entry.event != HistoryEvent::failed &&
                        entry.event != HistoryEvent::dropped &&
                        entry.event != HistoryEvent::unpinned;
    return is_one && entry.image.has_value();
}

std::vector<HistoryEntry> generations(const std::vector<HistoryEntry>& history,
                                      const std::string& checkpoint) {
    std::vector<HistoryEntry> found;
    for (const HistoryEntry& entry : history) {
        if (entry.checkpoint != checkpoint || !makes_generation(entry)) {
            continue;
        }
        if (found.empty() || found.back().image != entry.image) {
            found.push_back(entry);
        } else {
            // A stage that writes nothing has the same image from other parents.
            found.back().parent = entry.parent;
            found.back().key = entry.key;
        }
    }
    return found;
}

std::vector<HistoryEntry> read_generations(const Plan& plan, const std::string& checkpoint) {
    std::vector<HistoryEntry> found = generations(read_history(plan, checkpoint), checkpoint);
    const auto present = read_checkpoint(plan, checkpoint);
    if (present && (found.empty() || found.back().image != present->image)) {
        found.push_back({.checkpoint = checkpoint,
                         .event = HistoryEvent::restored,
                         .image = present->image,
                         .parent = present->parent,
                         .key = present->key});
    }
    return found;
}

}  // namespace mstage::pipeline
