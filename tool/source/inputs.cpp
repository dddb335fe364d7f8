#include "source/inputs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "source/ignore.hpp"

namespace mstage::source {

namespace {

constexpr std::string_view k_first_line = "mstage-inputs 1\n";
constexpr size_t k_digest_size = 64;
constexpr size_t k_hash_at_once = 65536;

PatternList::Kind kind_of(const Entry& entry) {
    return entry.type == EntryType::directory ? PatternList::Kind::directory
                                              : PatternList::Kind::other;
}

/// Finds which pattern decides about each entry, remembering what was found for directories: what
/// is in them has at least that. Directories come before what is in them.
class Selector {
public:
    explicit Selector(const std::vector<std::string>& patterns)
        : m_patterns(patterns), m_has_matched(patterns.size()) {}

    bool takes(const Entry& entry) {
        const auto own = m_patterns.last_match(entry.path, kind_of(entry));
        if (own) {
            m_has_matched[*own] = true;
        }
        const std::optional<size_t> decider = std::max(own, inherited(parent_of(entry.path)));
        if (entry.type == EntryType::directory) {
            m_deciders.emplace(entry.path, decider);
        }
        return decider && !m_patterns.is_negated(*decider);
    }
    /// Whether the pattern was the last to match some entry.
    bool has_matched(size_t index) const { return m_has_matched[index]; }
    bool is_negated(size_t index) const { return m_patterns.is_negated(index); }

private:
    std::optional<size_t> inherited(std::string_view directory) const {
        const auto found = m_deciders.find(directory);
        return found == m_deciders.end() ? std::nullopt : found->second;
    }

    PatternList m_patterns;
    std::vector<bool> m_has_matched;
    std::unordered_map<std::string_view, std::optional<size_t>> m_deciders;
};

/// Whether `pattern` matches nothing in the tree; comments are meant not to.
bool matches_nothing(const std::string& pattern, const std::vector<Entry>& tree) {
    const PatternList alone({pattern});
    return !alone.empty() && std::ranges::none_of(tree, [&](const Entry& entry) {
        return alone.last_match(entry.path, kind_of(entry)).has_value();
    });
}

std::string escape_path(std::string_view path) {
    std::string out;
    for (const char c : path) {
        if (c == '\\') {
            out += "\\\\";
        } else if (c == '\n') {
            out += "\\n";
        } else {
            out += c;
        }
    }
    return out;
}

std::string unescape_path(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 1 < text.size()) {
            ++i;
            out += text[i] == 'n' ? '\n' : text[i];
        } else {
            out += text[i];
        }
    }
    return out;
}

void append_mode(std::string& out, mode_t mode) {
    for (const int shift : {9, 6, 3, 0}) {
        out += static_cast<char>('0' + ((mode >> shift) & 7));
    }
}

std::optional<Entry> parse_line(std::string_view line) {
    // "f 0644 <hash> <path>"
    constexpr size_t k_mode_at = 2;
    constexpr size_t k_hash_at = 7;
    if (line.size() < k_hash_at || line[1] != ' ' || line[6] != ' ' ||
        std::string_view("fdl").find(line[0]) == std::string_view::npos) {
        return std::nullopt;
    }
    Entry entry;
    entry.type = static_cast<EntryType>(line[0]);
    unsigned int mode = 0;
    const char* const mode_end = line.data() + k_hash_at - 1;
    if (std::from_chars(line.data() + k_mode_at, mode_end, mode, 8).ptr != mode_end) {
        return std::nullopt;
    }
    entry.mode = mode;
    const size_t space = line.find(' ', k_hash_at);
    if (space == std::string_view::npos || space + 1 == line.size()) {
        return std::nullopt;
    }
    const std::string_view hash = line.substr(k_hash_at, space - k_hash_at);
    const bool is_directory = entry.type == EntryType::directory;
    if (is_directory ? hash != "-" : !is_sha256_hex(hash)) {
        return std::nullopt;
    }
    entry.hash = is_directory ? "" : hash;
    entry.path = unescape_path(line.substr(space + 1));
    return entry;
}

/// The digest from the file's first two lines.
std::optional<std::string> parse_head(std::string_view text) {
    if (!text.starts_with(k_first_line)) {
        return std::nullopt;
    }
    const std::string_view digest = text.substr(k_first_line.size(), k_digest_size);
    const size_t end = k_first_line.size() + k_digest_size;
    if (!is_sha256_hex(digest) || end >= text.size() || text[end] != '\n') {
        return std::nullopt;
    }
    return std::string(digest);
}

}  // namespace

std::vector<Entry> select(const std::vector<Entry>& tree,
                          const std::optional<std::vector<std::string>>& patterns,
                          std::vector<std::string>* unmatched) {
    if (!patterns) {
        return tree;
    }
    Selector selector(*patterns);
    std::vector<bool> taken(tree.size());
    for (size_t i = 0; i < tree.size(); ++i) {
        taken[i] = selector.takes(tree[i]);
    }
    choose_parents(tree, taken);
    std::vector<Entry> selected;
    for (size_t i = 0; i < tree.size(); ++i) {
        if (taken[i]) {
            selected.push_back(tree[i]);
        }
    }
    for (size_t i = 0; unmatched != nullptr && i < patterns->size(); ++i) {
        // Others may have matched as well, but hidden by a later pattern.
        if (!selector.is_negated(i) && !selector.has_matched(i) &&
            matches_nothing((*patterns)[i], tree)) {
            unmatched->push_back((*patterns)[i]);
        }
    }
    return selected;
}

void choose_parents(const std::vector<Entry>& entries, std::vector<bool>& chosen) {
    for (size_t i = 0; i < entries.size(); ++i) {
        std::string_view path = entries[i].path;
        while (chosen[i] && !(path = parent_of(path)).empty()) {
            const auto parent = std::ranges::lower_bound(entries, path, {}, &Entry::path);
            const auto index = static_cast<size_t>(parent - entries.begin());
            if (index == entries.size() || parent->path != path || chosen[index]) {
                break;
            }
            chosen[index] = true;
        }
    }
}

std::string digest(std::string_view workdir, const std::vector<Entry>& entries) {
    // Each part has a fixed size or is ended by a NUL, which no path holds.
    std::string data(k_first_line);
    data.append(workdir).push_back('\0');
    Sha256 hash;
    for (const Entry& entry : entries) {
        data += static_cast<char>(entry.type);
        append_mode(data, entry.mode);
        data.append(entry.hash).append(entry.path).push_back('\0');
        if (data.size() > k_hash_at_once) {
            hash.update(data);
            data.clear();
        }
    }
    hash.update(data);
    return hash.finish();
}

Inputs make_inputs(std::string_view workdir, std::vector<Entry> entries) {
    return {digest(workdir, entries), std::move(entries)};
}

std::vector<Difference> differences(const std::vector<Entry>& before,
                                    const std::vector<Entry>& after) {
    using Kind = Difference::Kind;
    std::vector<Difference> found;
    auto old = before.begin();
    auto now = after.begin();
    while (old != before.end() || now != after.end()) {
        const int order = old == before.end()  ? 1
                          : now == after.end() ? -1
                                               : old->path.compare(now->path);
        if (order < 0) {
            found.push_back({Kind::removed, &*old++, nullptr});
        } else if (order > 0) {
            found.push_back({Kind::added, nullptr, &*now++});
        } else {
            if (*old != *now) {
                const Kind kind = old->type == now->type ? Kind::modified : Kind::retyped;
                found.push_back({kind, &*old, &*now});
            }
            ++old;
            ++now;
        }
    }
    return found;
}

bool write_inputs(const std::filesystem::path& path, const Inputs& inputs) {
    std::string text(k_first_line);
    text.reserve(100 * inputs.entries.size());
    text.append(inputs.digest).push_back('\n');
    for (const Entry& entry : inputs.entries) {
        text += static_cast<char>(entry.type);
        text += ' ';
        append_mode(text, entry.mode);
        text.append(" ").append(entry.hash.empty() ? "-" : entry.hash);
        text.append(" ").append(escape_path(entry.path)).push_back('\n');
    }
    return write_file_if_changed(path, text);
}

std::optional<Inputs> read_inputs(const std::filesystem::path& path) {
    const auto text = read_file_if_exists(path);
    auto digest = text ? parse_head(*text) : std::nullopt;
    if (!digest || !text->ends_with('\n')) {
        return std::nullopt;
    }
    Inputs inputs{std::move(*digest), {}};
    std::string_view rest = std::string_view(*text).substr(k_first_line.size() + k_digest_size + 1);
    while (!rest.empty()) {
        const size_t end = rest.find('\n');
        auto entry = parse_line(rest.substr(0, end));
        if (!entry) {
            return std::nullopt;
        }
        inputs.entries.push_back(std::move(*entry));
        rest.remove_prefix(end + 1);
    }
    return inputs;
}

std::optional<std::string> read_inputs_digest(const std::filesystem::path& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        return std::nullopt;
    }
    char head[k_first_line.size() + k_digest_size + 1];
    const ssize_t count = ::read(fd.get(), head, sizeof head);
    return parse_head({head, count < 0 ? 0 : static_cast<size_t>(count)});
}

}  // namespace mstage::source
