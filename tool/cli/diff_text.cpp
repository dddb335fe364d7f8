#include "cli/diff_text.hpp"

#include <algorithm>
#include <map>

#include "base/path_text.hpp"
#include "base/text.hpp"
#include "cli/file_text.hpp"

namespace mstage::cli {

namespace {

using engine::Aspect;
using engine::FileChange;
using engine::FileInfo;

constexpr size_t k_listed = 50;
constexpr size_t k_listed_directories = 10;

enum class Kind { added, changed, removed };

Kind kind_of(const FileChange& change) {
    return !change.before ? Kind::added : !change.after ? Kind::removed : Kind::changed;
}

char sign_of(const FileChange& change) {
    switch (kind_of(change)) {
        case Kind::added:
            return '+';
        case Kind::removed:
            return '-';
        case Kind::changed:
            break;
    }
    return '~';
}

/// Directories' own sizes say something about file systems only.
std::uint64_t size_of(const std::optional<FileInfo>& file) {
    return file && file->type != 'd' ? file->size : 0;
}

struct Sum {
    size_t count = 0;
    std::uint64_t before = 0;
    std::uint64_t after = 0;

    void add(const FileChange& change) {
        ++count;
        before += size_of(change.before);
        after += size_of(change.after);
    }
};

struct Sums {
    Sum added;
    Sum changed;
    Sum removed;

    Sum& of(const FileChange& change) {
        switch (kind_of(change)) {
            case Kind::added:
                return added;
            case Kind::removed:
                return removed;
            case Kind::changed:
                break;
        }
        return changed;
    }
    std::uint64_t bytes() const { return added.after + changed.after + removed.before; }
    size_t count() const { return added.count + changed.count + removed.count; }
    std::string text() const {
        std::string text;
        const auto add = [&](const Sum& sum, const std::string& what) {
            if (sum.count > 0) {
                text += fmt::format("{}{} {}", text.empty() ? "" : ", ", sum.count, what);
            }
        };
        add(added, fmt::format("added ({})", human_size(added.after)));
        const bool same_size = changed.before == changed.after;
        add(changed, fmt::format("changed ({}{})", human_size(changed.after),
                                 same_size ? "" : ", were " + human_size(changed.before)));
        add(removed, fmt::format("removed ({})", human_size(removed.before)));
        return text;
    }
};

Sums sums_of(const std::vector<FileChange>& changes) {
    Sums sums;
    for (const FileChange& change : changes) {
        sums.of(change).add(change);
    }
    return sums;
}

/// The directory that a line of the overview is about: two names deep at most.
std::string overview_directory(const std::string& path) {
    const size_t end = path.rfind('/');
    const std::string directory = end == 0 || end == std::string::npos ? "/" : path.substr(0, end);
    const size_t second = directory.find('/', 1);
    const size_t third = second == std::string::npos ? second : directory.find('/', second + 1);
    return directory.substr(0, third);
}

std::string overview(const std::vector<FileChange>& changes) {
    std::map<std::string, Sums> directories;
    for (const FileChange& change : changes) {
        directories[overview_directory(change.path())].of(change).add(change);
    }
    if (directories.size() < 2) {
        return "";
    }
    std::vector<std::pair<std::string, Sums>> sorted(directories.begin(), directories.end());
    std::ranges::stable_sort(sorted, [](const auto& a, const auto& b) {
        return std::pair(a.second.bytes(), a.second.count()) >
               std::pair(b.second.bytes(), b.second.count());
    });
    const size_t shown = std::min(sorted.size(), k_listed_directories);
    size_t width = 0;
    for (size_t i = 0; i < shown; ++i) {
        width = std::max(width, on_one_line(sorted[i].first).size());
    }
    std::string text = "\n";
    for (size_t i = 0; i < shown; ++i) {
        text += fmt::format("  {:<{}}  {}\n", on_one_line(sorted[i].first), width,
                            sorted[i].second.text());
    }
    if (shown < sorted.size()) {
        text += fmt::format("  and {} more directories\n", sorted.size() - shown);
    }
    return text;
}

const char* type_word(char type) {
    switch (type) {
        case 'f':
            return "file";
        case 'd':
            return "directory";
        case 'l':
            return "link";
        case 'p':
            return "FIFO";
        case 's':
            return "socket";
        default:
            return "device";
    }
}

std::string aspect_text(Aspect aspect, const FileInfo& before, const FileInfo& after) {
    switch (aspect) {
        case Aspect::type:
            return fmt::format("{} → {}", type_word(before.type), type_word(after.type));
        case Aspect::content:
            return before.size == after.size
                       ? "content"
                       : fmt::format("content {} → {}", human_size(before.size),
                                     human_size(after.size));
        case Aspect::mode:
            return fmt::format("mode {:04o} → {:04o}", before.mode, after.mode);
        case Aspect::owner:
            return fmt::format("owner {}:{} → {}:{}", before.uid, before.gid, after.uid, after.gid);
        case Aspect::target:
            return fmt::format("target {} → {}", on_one_line(before.target),
                               on_one_line(after.target));
        case Aspect::attributes:
            return "extended attributes";
        case Aspect::times:
            break;
    }
    return fmt::format("time {} → {}", format_time(before.mtime), format_time(after.mtime));
}

std::string aspects_text(const FileChange& change) {
    std::string text;
    for (const Aspect aspect : change.aspects) {
        text += (text.empty() ? "" : ", ") + aspect_text(aspect, *change.before, *change.after);
    }
    return text;
}

std::string shown_name(const FileInfo& file) {
    std::string name = on_one_line(file.path);
    if (file.type == 'd' && !name.ends_with('/')) {
        name += '/';
    }
    return file.type == 'l' ? name + " -> " + on_one_line(file.target) : name;
}

std::string full_line(const FileChange& change) {
    const FileInfo& file = change.after ? *change.after : *change.before;
    std::string line =
        fmt::format("{} {} {}", sign_of(change), attributes_text(file), shown_name(file));
    return change.aspects.empty() ? line : line + "  (" + aspects_text(change) + ")";
}

/// One line; `inside` is what vanished or came with it.
std::string short_line(const FileChange& change, const Sum& inside) {
    const FileInfo& file = change.after ? *change.after : *change.before;
    std::string line = fmt::format("{} {}", sign_of(change), shown_name(file));
    if (kind_of(change) == Kind::changed) {
        return line + "  " + aspects_text(change);
    }
    if (file.type == 'f') {
        return line + "  " + human_size(file.size);
    }
    return inside.count == 0 ? line
                             : line + fmt::format("  with {} in it, {}", inside.count,
                                                  human_size(inside.before + inside.after));
}

bool is_folded_into(const FileChange& change, const FileChange& directory) {
    return kind_of(change) == kind_of(directory) && is_below(change.path(), directory.path());
}

std::string short_list(const std::vector<FileChange>& changes) {
    std::string text;
    size_t lines = 0;
    size_t next = 0;
    while (next < changes.size() && lines < k_listed) {
        const FileChange& change = changes[next++];
        const FileInfo& file = change.after ? *change.after : *change.before;
        Sum inside;
        if (file.type == 'd' && kind_of(change) != Kind::changed) {
            for (; next < changes.size() && is_folded_into(changes[next], change); ++next) {
                inside.add(changes[next]);
            }
        }
        text += short_line(change, inside) + "\n";
        ++lines;
    }
    if (next < changes.size()) {
        text += fmt::format("and {} more: --full shows them\n", changes.size() - next);
    }
    return text;
}

Json to_json(const Sum& sum) {
    return {{"count", sum.count}, {"bytes_before", sum.before}, {"bytes_after", sum.after}};
}

const char* kind_name(const FileChange& change) {
    switch (kind_of(change)) {
        case Kind::added:
            return "added";
        case Kind::removed:
            return "removed";
        case Kind::changed:
            break;
    }
    return "changed";
}

Json text_or_null(const std::string& text) {
    return text.empty() ? Json() : Json(text);
}

}  // namespace

std::string diff_text(const std::vector<FileChange>& changes, Length length) {
    if (changes.empty()) {
        return "no differences\n";
    }
    std::string text = sums_of(changes).text() + "\n" + overview(changes) + "\n";
    if (length == Length::summary) {
        return text + short_list(changes);
    }
    for (const FileChange& change : changes) {
        text += full_line(change) + "\n";
    }
    return text;
}

std::string content_text(const std::vector<FileChange>& changes, const DiffNames& names) {
    std::string text;
    for (const FileChange& change : changes) {
        const std::string path = on_one_line(change.path());
        if (!change.no_text.empty()) {
            text += fmt::format("\n{}: no text is shown: {}\n", path, change.no_text);
        } else if (!change.text.empty()) {
            text +=
                fmt::format("\n--- {}\n+++ {}\n{}",
                            change.before ? fmt::format("{}:{}", names.before, path) : "/dev/null",
                            change.after ? fmt::format("{}:{}", names.after, path) : "/dev/null",
                            escape_control(change.text));
        }
    }
    return text;
}

Json diff_json(const std::vector<FileChange>& changes) {
    Json list = Json::array();
    for (const FileChange& change : changes) {
        Json aspects = Json::array();
        for (const Aspect aspect : change.aspects) {
            aspects.push_back(to_string(aspect));
        }
        list.push_back({{"path", change.path()},
                        {"kind", kind_name(change)},
                        {"what", std::move(aspects)},
                        {"before", change.before ? to_json(*change.before) : Json()},
                        {"after", change.after ? to_json(*change.after) : Json()},
                        {"text", text_or_null(change.text)},
                        {"no_text", text_or_null(change.no_text)}});
    }
    const Sums sums = sums_of(changes);
    return {{"summary",
             {{"added", to_json(sums.added)},
              {"changed", to_json(sums.changed)},
              {"removed", to_json(sums.removed)}}},
            {"changes", std::move(list)}};
}

}  // namespace mstage::cli
