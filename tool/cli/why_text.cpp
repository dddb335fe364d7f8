#include "cli/why_text.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "cli/file_text.hpp"

namespace mstage::cli {

namespace {

using engine::InputChange;
using engine::InputFile;
using pipeline::Action;
using pipeline::HistoryEvent;
using pipeline::KeyDifference;
using pipeline::Why;
using pipeline::WhyStep;

constexpr size_t k_listed = 20;

std::string short_hash(const InputFile& file) {
    constexpr size_t k_digits = 12;
    return file.hash.empty() ? "-" : file.hash.substr(0, k_digits);
}

const char* type_word(engine::InputType type) {
    switch (type) {
        case engine::InputType::file:
            return "file";
        case engine::InputType::directory:
            return "directory";
        case engine::InputType::symlink:
            break;
    }
    return "link";
}

std::string mode_change(const InputChange& change) {
    return change.before->mode == change.after->mode
               ? ""
               : fmt::format("mode {:04o} → {:04o}", change.before->mode, change.after->mode);
}

std::string change_line(const InputChange& change) {
    using Kind = InputChange::Kind;
    std::string line = fmt::format("{:<7}  {}", to_string(change.kind), on_one_line(change.path()));
    const auto add_mode = [&](const char* separator) {
        const std::string mode = mode_change(change);
        line += mode.empty() ? "" : separator + mode;
    };
    switch (change.kind) {
        case Kind::added:
            line += "  " + short_hash(*change.after);
            break;
        case Kind::removed:
            line += "  was " + short_hash(*change.before);
            break;
        case Kind::renamed:
            line += fmt::format("  was {}, {}", on_one_line(change.before->path),
                                short_hash(*change.after));
            add_mode(", ");
            break;
        case Kind::changed:
        case Kind::target:
            line += fmt::format("  {} → {}", short_hash(*change.before), short_hash(*change.after));
            add_mode(", ");
            break;
        case Kind::mode:
            add_mode("  ");
            break;
        case Kind::type:
            line += fmt::format("  {} → {}", type_word(change.before->type),
                                type_word(change.after->type));
            break;
    }
    return line;
}

std::string files_text(const std::optional<std::vector<InputChange>>& files, Listing listing,
                       const std::string& indent) {
    if (!files) {
        return indent + "which ones is not known any more\n";
    }
    std::string text;
    const size_t shown =
        listing == Listing::all ? files->size() : std::min(files->size(), k_listed);
    for (size_t i = 0; i < shown; ++i) {
        text += indent + change_line(files->at(i)) + "\n";
    }
    if (shown < files->size()) {
        text += fmt::format("{}and {} more: --full shows them\n", indent, files->size() - shown);
    }
    return text;
}

std::string value_text(const Json& value) {
    if (value.is_null()) {
        return "(none)";
    }
    return value.is_string() ? "'" + on_one_line(value.get<std::string>()) + "'" : dump_json(value);
}

/// The lines in which two texts differ, without those that they begin and end with alike.
std::string lines_text(const Json& before, const Json& after, const std::string& indent) {
    const auto lines_of = [](const Json& text) {
        return split(text.is_string() ? text.get<std::string>() : "", '\n');
    };
    std::vector<std::string> old = lines_of(before);
    std::vector<std::string> now = lines_of(after);
    while (!old.empty() && !now.empty() && old.back() == now.back()) {
        old.pop_back();
        now.pop_back();
    }
    size_t same = 0;
    while (same < old.size() && same < now.size() && old[same] == now[same]) {
        ++same;
    }
    std::string text;
    const auto add = [&](const std::vector<std::string>& lines, const char* sign) {
        const size_t end = std::min(lines.size(), same + k_listed);
        for (size_t i = same; i < end; ++i) {
            text += indent + sign + escape_control(lines[i]) + "\n";
        }
        if (end < lines.size()) {
            text += fmt::format("{}{}(and {} more lines)\n", indent, sign, lines.size() - end);
        }
    };
    add(old, "- ");
    add(now, "+ ");
    return text;
}

std::string on_or_off(const Json& value) {
    return value.is_boolean() ? (value.get<bool>() ? "on" : "off") : value_text(value);
}

std::string difference_text(const KeyDifference& difference, const WhyStep& step, Listing listing,
                            const std::string& indent) {
    const std::string deeper = indent + "  ";
    const std::string& part = difference.part;
    const auto arrow = [&](const std::string& what) {
        return fmt::format("{}{}: {} → {}\n", indent, what, value_text(difference.before),
                           value_text(difference.after));
    };
    if (part == "inputs") {
        return indent + "source files:\n" + files_text(step.files, listing, deeper);
    }
    if (part == "command") {
        return indent + "the command:\n" + lines_text(difference.before, difference.after, deeper);
    }
    if (part == "environment") {
        return arrow("environment variable " + on_one_line(difference.name));
    }
    if (part == "network") {
        return fmt::format("{}network: {} → {}\n", indent, on_or_off(difference.before),
                           on_or_off(difference.after));
    }
    if (part == "caches") {
        return arrow("cache at " + on_one_line(difference.name));
    }
    if (part == "copies") {
        return arrow("COPY of " + on_one_line(difference.name));
    }
    if (part == "parent") {
        return arrow("the parent's image");
    }
    if (part == "format") {
        return arrow("the format of mstage's keys");
    }
    if (part == "source_workdir") {
        return arrow("where the source goes");
    }
    if (part == "workdir") {
        return arrow("working directory");
    }
    return arrow(on_one_line(difference.name.empty() ? part : part + " " + difference.name));
}

std::string ago(TimePoint time) {
    return human_duration(std::chrono::system_clock::now() - time) + " ago";
}

std::string image_text(const std::optional<engine::ImageId>& image) {
    return image ? ": image " + image->str() : "";
}

std::string happened(const WhyStep& step) {
    const pipeline::HistoryEntry& event = *step.event;
    const std::string when = ago(event.time);
    switch (event.event) {
        case HistoryEvent::ran:
            return fmt::format("ran {}{}", when, image_text(event.image));
        case HistoryEvent::failed:
            return fmt::format("ran {}, and {}{}", when, to_verb(event.end),
                               image_text(event.image));
        case HistoryEvent::restored:
            return fmt::format("was restored {}{}", when, image_text(event.image));
        case HistoryEvent::imported:
            return fmt::format("was imported {}{}", when, image_text(event.image));
        default:
            return fmt::format("was changed {}{}", when, image_text(event.image));
    }
}

std::string would_happen(Action action) {
    switch (action) {
        case Action::restore:
            return "would be restored";
        case Action::import:
            return "would be imported";
        case Action::run:
            return "would run";
        case Action::keep:
            break;
    }
    return "would stay";
}

std::string step_text(const WhyStep& step, const std::string& subject, Listing listing,
                      const std::string& indent) {
    std::string text = fmt::format("{}{} {}, because\n", indent, subject,
                                   step.event ? happened(step) : would_happen(step.action));
    const std::string deeper = indent + "  ";
    for (const pipeline::WhyReason& reason : step.reasons) {
        text += deeper + on_one_line(reason.text) + "\n";
    }
    if (step.before && !step.differences.empty()) {
        const bool is_known = step.before->time != TimePoint();
        text += fmt::format("{}compared with {}:\n", deeper,
                            is_known ? ago(step.before->time) : "what its marker says");
    }
    for (const KeyDifference& difference : step.differences) {
        text += difference_text(difference, step, listing, deeper + "  ");
    }
    for (const WhyStep& cause : step.upstream) {
        text += step_text(cause, cause.checkpoint, listing, deeper);
    }
    return text;
}

std::string ninja_text(const Why& why) {
    const pipeline::NinjaLook& ninja = *why.ninja;
    std::string text;
    if (ninja.configures) {
        text += "  CMake would run first: the project's build files have changed\n";
    }
    for (const pipeline::NinjaReason& reason : ninja.reasons) {
        text += fmt::format("  Ninja looks at it again: {}\n", on_one_line(reason.text));
    }
    if (!ninja.reasons.empty() && why.action == Action::keep && !why.pinned) {
        text += "  the key is the same, so that nothing runs in it\n";
    }
    if (ninja.no_work && why.action != Action::keep) {
        text += "  but Ninja sees nothing to do: it looks at modification times only\n";
    }
    return text;
}

Json to_json(const std::optional<InputFile>& file) {
    return file ? Json{{"type", type_word(file->type)},
                       {"mode", fmt::format("{:04o}", file->mode)},
                       {"hash", file->hash.empty() ? Json() : Json(file->hash)}}
                : Json();
}

Json to_json(const std::optional<std::vector<InputChange>>& files) {
    if (!files) {
        return nullptr;
    }
    Json list = Json::array();
    for (const InputChange& change : *files) {
        list.push_back({{"kind", to_string(change.kind)},
                        {"path", change.path()},
                        {"old_path", change.before ? Json(change.before->path) : Json()},
                        {"before", to_json(change.before)},
                        {"after", to_json(change.after)}});
    }
    return list;
}

Json to_json(const WhyStep& step) {
    const auto entry = [](const std::optional<pipeline::HistoryEntry>& event) {
        return event ? pipeline::to_json(*event) : Json();
    };
    Json reasons = Json::array();
    for (const pipeline::WhyReason& reason : step.reasons) {
        reasons.push_back({{"code", reason.code}, {"text", reason.text}});
    }
    Json differences = Json::array();
    for (const KeyDifference& difference : step.differences) {
        differences.push_back({{"part", difference.part},
                               {"name", difference.name},
                               {"before", difference.before},
                               {"after", difference.after}});
    }
    Json upstream = Json::array();
    for (const WhyStep& cause : step.upstream) {
        upstream.push_back(to_json(cause));
    }
    return {{"checkpoint", step.checkpoint},
            {"event", entry(step.event)},
            {"action", step.event ? Json() : Json(to_string(step.action))},
            {"before", entry(step.before)},
            {"reasons", std::move(reasons)},
            {"differences", std::move(differences)},
            {"files", to_json(step.files)},
            {"upstream", std::move(upstream)}};
}

Json to_json(const std::optional<pipeline::NinjaLook>& ninja) {
    if (!ninja) {
        return nullptr;
    }
    Json reasons = Json::array();
    for (const pipeline::NinjaReason& reason : ninja->reasons) {
        reasons.push_back({{"text", reason.text}, {"message", reason.message}});
    }
    return {{"reasons", std::move(reasons)},
            {"no_work", ninja->no_work},
            {"configures", ninja->configures}};
}

}  // namespace

std::string why_text(const Why& why, Listing files) {
    std::string text = why.checkpoint;
    text += why.image ? "  " + why.image->str() : "  is not built";
    text += why.pinned ? "  (pinned)\n" : "\n";
    if (why.last) {
        text += step_text(*why.last, "it", files, "  ");
    } else if (why.image) {
        text += "  how it came about is not recorded\n";
    }
    text += why.now ? step_text(*why.now, "now it", files, "  ")
                    : fmt::format("  now nothing would run: {}\n",
                                  why.pinned ? "it is pinned" : "nothing it is made from differs");
    return why.ninja ? text + ninja_text(why) : text;
}

Json why_json(const Why& why) {
    return {{"checkpoint", why.checkpoint},
            {"image", json_or_null(why.image)},
            {"pinned", why.pinned},
            {"last", why.last ? to_json(*why.last) : Json()},
            {"action", to_string(why.action)},
            {"now", why.now ? to_json(*why.now) : Json()},
            {"ninja", to_json(why.ninja)}};
}

}  // namespace mstage::cli
