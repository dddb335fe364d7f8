#include "pipeline/history.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/lock.hpp"
#include "pipeline/checkpoint.hpp"
#include "pipeline/state_file.hpp"

namespace mstage::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr int k_version = 1;
constexpr size_t k_max_lines = 2000;
constexpr size_t k_kept_lines = 1000;
/// No line is shorter, so that a short file need not be counted.
constexpr off_t k_shortest_line = 100;

constexpr std::array<std::string_view, 8> k_events = {
    "imported", "ran", "restored", "failed", "rolled-back", "dropped", "unpinned", "undone"};

fs::path history_path(const Plan& plan) {
    return plan.state_dir / "history";
}

std::vector<HistoryPhase> phases_from(const Json& json) {
    std::vector<HistoryPhase> phases;
    for (const Json& phase : json_get<Json>(json, "phases")) {
        phases.push_back({.name = json_get<std::string>(phase, "name"),
                          .start = parse_time(json_get<std::string>(phase, "start")),
                          .duration_s = json_get<double>(phase, "duration_s")});
    }
    return phases;
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
                            .phases = phases_from(json),
                            .pinned = json_get<bool>(json, "pinned")};
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

void cut(const fs::path& path, off_t size) {
    if (size < off_t{k_max_lines} * k_shortest_line) {
        return;
    }
    const std::string text = read_file(path);
    if (static_cast<size_t>(std::ranges::count(text, '\n')) > k_max_lines) {
        write_file_atomically(path, last_lines(text, k_kept_lines) + "\n");
    }
}

/// A file that ends in the middle of a line, as a full file system or a power cut leaves it.
bool is_torn(int fd, off_t size) {
    char last = '\n';
    return size > 0 && ::pread(fd, &last, 1, size - 1) == 1 && last != '\n';
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
    Json phases = Json::array();
    for (const HistoryPhase& phase : entry.phases) {
        phases.push_back({{"name", phase.name},
                          {"start", format_time(phase.start)},
                          {"duration_s", phase.duration_s}});
    }
    return {{"version", k_version},
            {"time", format_time(entry.time)},
            {"checkpoint", entry.checkpoint},
            {"event", to_string(entry.event)},
            {"image", json_or_null(entry.image)},
            {"parent", json_or_null(entry.parent)},
            {"key", json_or_null(entry.key)},
            {"run", json_or_null(entry.run)},
            {"duration_s", json_or_null(entry.duration_s)},
            {"phases", std::move(phases)},
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
    const FileLock turn = FileLock::acquire(plan.state_dir / "history.lock", LockMode::exclusive);
    const fs::path path = history_path(plan);
    const Fd fd = open_fd(path, O_RDWR | O_CREAT | O_APPEND, 0666);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) {
        throw SysError(errno, "writing '{}'", path.native());
    }
    if (is_torn(fd.get(), info.st_size)) {
        text.insert(0, "\n");
    }
    const ssize_t written = ::write(fd.get(), text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size())) {
        const int number = written < 0 ? errno : ENOSPC;
        [[maybe_unused]] const int ignored = ::ftruncate(fd.get(), info.st_size);
        throw SysError(number, "writing '{}'", path.native());
    }
    cut(path, info.st_size + static_cast<off_t>(text.size()));
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
