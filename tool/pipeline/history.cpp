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

constexpr std::array<std::string_view, 3> k_ends = {"failed", "timed-out", "interrupted"};

AttemptEnd end_from(const std::optional<std::string>& text) {
    const auto found = std::ranges::find(k_ends, text.value_or(""));
    return found == k_ends.end() ? AttemptEnd::failed : AttemptEnd(found - k_ends.begin());
}

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
                            .pinned = json_get<bool>(json, "pinned"),
                            .end = end_from(find_text(json, "end"))};
    } catch (const Error&) {
        return std::nullopt;
    }
}

/// Calls `take` with the entries of lines that have `part` in them, the newest first, until it
/// returns false. A line takes as long to parse as a small file to read.
template <typename F>
void read_back(const Plan& plan, std::string_view part, const F& take) {
    const std::string text = read_file_if_exists(history_path(plan)).value_or("");
    std::string_view rest = text;
    while (!rest.empty()) {
        if (rest.ends_with('\n')) {
            rest.remove_suffix(1);
        }
        const size_t before = rest.rfind('\n');
        const std::string_view line =
            before == std::string_view::npos ? rest : rest.substr(before + 1);
        rest.remove_suffix(line.size());
        if (line.find(part) == std::string_view::npos) {
            continue;
        }
        auto entry = entry_from(line);
        if (entry && !take(std::move(*entry))) {
            return;
        }
    }
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

const char* to_string(AttemptEnd end) {
    return k_ends.at(static_cast<size_t>(end)).data();
}

const char* to_verb(AttemptEnd end) {
    switch (end) {
        case AttemptEnd::timed_out:
            return "timed out";
        case AttemptEnd::interrupted:
            return "was interrupted";
        case AttemptEnd::failed:
            break;
    }
    return "failed";
}

AttemptEnd end_of(const engine::Outcome& outcome) {
    if (outcome.interrupted_by) {
        return AttemptEnd::interrupted;
    }
    return outcome.timed_out ? AttemptEnd::timed_out : AttemptEnd::failed;
}

const char* to_word(const HistoryEntry& entry) {
    return entry.event == HistoryEvent::failed ? to_string(entry.end) : to_string(entry.event);
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
            {"pinned", entry.pinned},
            {"end", entry.event == HistoryEvent::failed ? Json(to_string(entry.end)) : Json()}};
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

void append_missing_history(const Plan& plan, std::vector<HistoryEntry> entries) {
    const std::string text = read_file_if_exists(history_path(plan)).value_or("");
    std::erase_if(entries, [&](const HistoryEntry& entry) {
        return text.find(dump_json(to_json(entry))) != std::string::npos;
    });
    append_history(plan, entries);
}

std::vector<HistoryEntry> read_history(const Plan& plan) {
    std::vector<HistoryEntry> entries;
    read_back(plan, "", [&](HistoryEntry entry) {
        entries.push_back(std::move(entry));
        return true;
    });
    std::ranges::reverse(entries);
    return entries;
}

std::vector<HistoryEntry> read_history(const Plan& plan, const std::string& checkpoint) {
    std::vector<HistoryEntry> entries;
    read_back(plan, checkpoint, [&](HistoryEntry entry) {
        if (entry.checkpoint == checkpoint) {
            entries.push_back(std::move(entry));
        }
        return true;
    });
    std::ranges::reverse(entries);
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

std::vector<HistoryEntry> read_generations(const Plan& plan, const std::string& checkpoint,
                                           size_t last) {
    std::vector<HistoryEntry> entries;
    size_t changes = 0;
    read_back(plan, checkpoint, [&](HistoryEntry entry) {
        if (entry.checkpoint == checkpoint && makes_generation(entry)) {
            changes += entries.empty() || entries.back().image != entry.image ? 1 : 0;
            entries.push_back(std::move(entry));
        }
        return changes <= last;  // with the last one of those before, the first of these is known
    });
    std::ranges::reverse(entries);
    std::vector<HistoryEntry> found = generations(entries, checkpoint);
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
