#include "pipeline/compile_commands.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mstage::pipeline {

namespace {

/// Options of compilers that a path may follow without anything between.
constexpr std::array<std::string_view, 18> k_joined_options = {
    "-I",           "-L",       "-B",         "-F",       "-o",        "-isystem",
    "-iquote",      "-include", "-idirafter", "-imacros", "-isysroot", "-iprefix",
    "-iwithprefix", "-MF",      "-MT",        "-MQ",      "-T",        "-cxx-isystem"};

/// Whether a path may begin behind `before`, all of the word up to there.
bool can_begin_behind(std::string_view before) {
    constexpr std::string_view k_separators = "=,:;@\"'( ";
    return before.empty() || k_separators.find(before.back()) != std::string_view::npos ||
           std::ranges::find(k_joined_options, before) != k_joined_options.end();
}

/// Whether a directory's name can end before `after`.
bool can_end_before(std::string_view after) {
    constexpr std::string_view k_separators = "/=,:;\"') ";
    return after.empty() || k_separators.find(after.front()) != std::string_view::npos;
}

class Mapper {
public:
    explicit Mapper(std::vector<PathMapping> mappings) : m_mappings(std::move(mappings)) {
        std::ranges::stable_sort(m_mappings, [](const PathMapping& a, const PathMapping& b) {
            return a.from.size() > b.from.size();
        });
    }

    std::string word(std::string_view text) const {
        std::string out;
        for (size_t at = 0; at < text.size();) {
            const PathMapping* mapping =
                can_begin_behind(text.substr(0, at)) ? find(text.substr(at)) : nullptr;
            if (mapping == nullptr) {
                out += text[at++];
                continue;
            }
            out += mapping->to;
            at += mapping->from.size();
        }
        return out;
    }

private:
    const PathMapping* find(std::string_view text) const {
        const auto found = std::ranges::find_if(m_mappings, [&](const PathMapping& mapping) {
            return text.starts_with(mapping.from) &&
                   can_end_before(text.substr(mapping.from.size()));
        });
        return found == m_mappings.end() ? nullptr : &*found;
    }

    std::vector<PathMapping> m_mappings;
};

/// Takes the words of a command line apart, as a shell does that expands nothing: the database's
/// own rules.
class WordReader {
public:
    explicit WordReader(std::string_view line) : m_line(line) {}

    std::optional<std::string> next() {
        m_at = std::min(m_line.find_first_not_of(" \t\n", m_at), m_line.size());
        if (m_at == m_line.size()) {
            return std::nullopt;
        }
        std::string word;
        while (m_at < m_line.size() && !is_space(m_line[m_at])) {
            read_part(word);
        }
        return word;
    }

private:
    static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n'; }

    void read_part(std::string& word) {
        const char c = m_line[m_at++];
        if (c == '\'') {
            const size_t end = std::min(m_line.find('\'', m_at), m_line.size());
            word += m_line.substr(m_at, end - m_at);
            m_at = std::min(end + 1, m_line.size());
        } else if (c == '"') {
            read_double_quoted(word);
        } else if (c == '\\' && m_at < m_line.size()) {
            word += m_line[m_at++];
        } else {
            word += c;
        }
    }

    void read_double_quoted(std::string& word) {
        while (m_at < m_line.size() && m_line[m_at] != '"') {
            const bool escapes =
                m_line[m_at] == '\\' && m_at + 1 < m_line.size() &&
                std::string_view("\"\\$`").find(m_line[m_at + 1]) != std::string_view::npos;
            m_at += escapes ? 1 : 0;
            word += m_line[m_at++];
        }
        m_at = std::min(m_at + 1, m_line.size());
    }

    std::string_view m_line;
    size_t m_at = 0;
};

std::string map_line(const Mapper& mapper, const std::string& line) {
    std::string out;
    WordReader words(line);
    while (const auto word = words.next()) {
        out.append(out.empty() ? "" : " ").append(shell_quote(mapper.word(*word)));
    }
    return out;
}

Json map_entry(const Mapper& mapper, Json entry) {
    if (!entry.is_object()) {
        throw Error("not an object");
    }
    for (const char* name : {"directory", "file", "output"}) {
        if (const auto path = json_find<std::string>(entry, name)) {
            entry[name] = mapper.word(*path);
        }
    }
    if (const auto line = json_find<std::string>(entry, "command")) {
        entry["command"] = map_line(mapper, *line);
    }
    if (auto words = json_find<std::vector<std::string>>(entry, "arguments")) {
        std::ranges::transform(*words, words->begin(),
                               [&](const std::string& word) { return mapper.word(word); });
        entry["arguments"] = *words;
    }
    return entry;
}

std::string without_slash(std::string path) {
    while (path.size() > 1 && path.ends_with('/')) {
        path.pop_back();
    }
    return path;
}

}  // namespace

PathMapping parse_path_mapping(const std::string& text) {
    const size_t split = text.find("=/");
    if (!text.starts_with('/') || split == std::string::npos) {
        throw UsageError("'{}' is not FROM=TO with two absolute paths", text);
    }
    PathMapping mapping{without_slash(text.substr(0, split)),
                        without_slash(text.substr(split + 1))};
    if (mapping.from == "/") {
        throw UsageError("'{}': every path is below '/', so that it cannot be told which to map",
                         text);
    }
    return mapping;
}

Json map_compile_commands(const Json& database, const std::vector<PathMapping>& mappings) {
    if (!database.is_array()) {
        throw Error("not a compilation database: its top level is no list");
    }
    const Mapper mapper(mappings);
    Json mapped = Json::array();
    for (const Json& entry : database) {
        mapped.push_back(with_context(fmt::format("entry {}", mapped.size() + 1),
                                      [&] { return map_entry(mapper, entry); }));
    }
    return mapped;
}

}  // namespace mstage::pipeline
