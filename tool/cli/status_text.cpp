#include "cli/status_text.hpp"

#include <algorithm>
#include <cstdlib>

#include "base/text.hpp"
#include "cli/terminal.hpp"
#include "cli/watch_view.hpp"

namespace mstage::cli {

namespace {

using pipeline::CheckpointState;
using pipeline::CheckpointStatus;
using Statuses = std::vector<CheckpointStatus>;

/// What the branches are drawn with.
struct Strokes {
    const char* branch;
    const char* last_branch;
    const char* beside;
};

const Strokes& strokes() {
    static const Strokes k_lines{"├─ ", "└─ ", "│  "};
    static const Strokes k_ascii{"|- ", "`- ", "|  "};
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const char* value = std::getenv(name);
        if (value != nullptr && *value != '\0') {
            std::string locale = value;
            std::ranges::transform(locale, locale.begin(), [](unsigned char c) {
                return static_cast<char>(std::tolower(c));
            });
            return locale.find("utf") == std::string::npos ? k_ascii : k_lines;
        }
    }
    return k_ascii;
}

struct Row {
    const CheckpointStatus* status;
    std::string name;    ///< with its branch
    std::string indent;  ///< of lines below that belong to it
};

/// `from` and what is made from it, going down.
void add_rows(const Statuses& statuses, const CheckpointStatus& parent, const std::string& indent,
              std::vector<Row>& rows) {
    std::vector<const CheckpointStatus*> children;
    for (const CheckpointStatus& status : statuses) {
        if (status.from == parent.checkpoint && status.pipeline == parent.pipeline &&
            status.config == parent.config) {
            children.push_back(&status);
        }
    }
    for (const CheckpointStatus* child : children) {
        const bool is_last = child == children.back();
        const std::string below = indent + (is_last ? "   " : strokes().beside);
        const bool has_children =
            std::ranges::any_of(statuses, [&](const CheckpointStatus& status) {
                return status.from == child->checkpoint && status.pipeline == child->pipeline &&
                       status.config == child->config;
            });
        std::string name =
            indent + (is_last ? strokes().last_branch : strokes().branch) + child->checkpoint;
        for (const std::string& other : child->copies_from) {
            const std::string own = child->pipeline + ".";
            name += " + " + (other.starts_with(own) ? other.substr(own.size()) : other);
        }
        rows.push_back({child, std::move(name), below + (has_children ? strokes().beside : "   ")});
        add_rows(statuses, *child, below, rows);
    }
}

Colour colour_of(CheckpointState state) {
    switch (state) {
        case CheckpointState::current:
        case CheckpointState::restored:
            return Colour::green;
        case CheckpointState::outdated:
            return Colour::yellow;
        case CheckpointState::pinned:
            return Colour::blue;
        case CheckpointState::failed:
            return Colour::red;
        case CheckpointState::not_built:
            break;
    }
    return Colour::grey;
}

/// In two words at most.
std::string state_text(const CheckpointStatus& status) {
    std::string text =
        status.state == CheckpointState::failed ? to_string(status.end) : to_string(status.state);
    std::ranges::replace(text, '-', ' ');
    return text;
}

/// Image, age, size and duration: what goes first when there is no room is the last.
std::vector<std::string> details_of(const CheckpointStatus& status, TimePoint now) {
    if (!status.image) {
        return {};
    }
    return {status.image->id.short_form(), human_duration(now - status.image->created) + " ago",
            human_size(status.size), status.duration ? human_duration(*status.duration) : ""};
}

/// What there is to know, or to do, about a checkpoint besides.
std::vector<std::string> notes_on(const CheckpointStatus& status, const std::string& command,
                                  TimePoint now) {
    std::vector<std::string> notes;
    if (status.running) {
        notes.push_back(fmt::format("running, {}; to follow it:  {} watch",
                                    progress_of(*status.running, now), command));
    }
    if (status.lost_image) {
        notes.push_back(
            fmt::format("its image {} is not in the store: was it built with another MSTAGE_STORE?",
                        status.lost_image->short_form()));
    }
    if (status.state == CheckpointState::pinned) {
        const std::string since =
            status.pinned_since ? " " + human_duration(now - *status.pinned_since) + " ago" : "";
        notes.push_back(fmt::format("pinned{}; to let go:  {} rollback --unpin {}", since, command,
                                    status.full_name));
    }
    if (status.failure) {
        std::string what = to_verb(status.end);
        if (status.failure->duration) {
            what += " after " + human_duration(*status.failure->duration);
        }
        if (status.failure->time) {
            what += ", " + human_duration(now - *status.failure->time) + " ago";
        }
        notes.push_back(fmt::format("{}; to look at what it left:  {} shell {}@failed", what,
                                    command, status.full_name));
    }
    return notes;
}

/// The widths of the columns behind name and state: as many of them as fit.
std::vector<size_t> widths_of(const std::vector<Row>& rows, size_t used, TimePoint now) {
    std::vector<size_t> widths(4, 0);
    for (const Row& row : rows) {
        const std::vector<std::string> details = details_of(*row.status, now);
        for (size_t i = 0; i < details.size(); ++i) {
            widths[i] = std::max(widths[i], display_width(details[i]));
        }
    }
    const size_t room = terminal_width().value_or(SIZE_MAX);
    for (size_t i = 0; i < widths.size(); ++i) {
        used += 2 + widths[i];
        if (used > room) {
            widths.resize(i);
        }
    }
    return widths;
}

std::string text_of(const std::vector<Row>& rows, const std::string& command) {
    const TimePoint now = std::chrono::system_clock::now();
    constexpr size_t k_state_width = 11;  // "out of date"
    size_t name_width = 0;
    for (const Row& row : rows) {
        name_width = std::max(name_width, display_width(row.name));
    }
    const size_t room = terminal_width().value_or(SIZE_MAX);
    name_width =
        std::min(name_width, std::max<size_t>(4, room - std::min(room, k_state_width + 2)));
    const std::vector<size_t> widths = widths_of(rows, name_width + 2 + k_state_width, now);
    std::string text;
    for (const Row& row : rows) {
        std::string line =
            padded(cut_to_width(row.name, name_width), name_width) + "  " +
            coloured(padded(state_text(*row.status), k_state_width), colour_of(row.status->state));
        const std::vector<std::string> details = details_of(*row.status, now);
        for (size_t i = 0; i < std::min(details.size(), widths.size()); ++i) {
            line += "  " + padded(details[i], widths[i]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
        for (const std::string& note : notes_on(*row.status, command, now)) {
            text += row.indent + "  " + note + "\n";
        }
    }
    return text;
}

}  // namespace

std::string status_text(const Statuses& statuses, const std::string& command) {
    std::string text;
    for (const CheckpointStatus& status : statuses) {
        if (!status.from.empty()) {
            continue;
        }
        // One pipeline after the other, each with its own columns.
        std::vector<Row> rows{{&status, status.checkpoint, strokes().beside}};
        add_rows(statuses, status, "", rows);
        text += (text.empty() ? "" : "\n") + status.pipeline +
                (status.config ? " (" + *status.config + ")" : "") + "\n" + text_of(rows, command);
    }
    return text;
}

}  // namespace mstage::cli
