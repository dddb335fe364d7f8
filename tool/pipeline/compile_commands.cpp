#include "pipeline/compile_commands.hpp"

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mstage::pipeline {

namespace {

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

std::string map_line(const PathMapper& mapper, const std::string& line) {
    std::string out;
    WordReader words(line);
    while (const auto word = words.next()) {
        out.append(out.empty() ? "" : " ").append(shell_quote(mapper.word(*word)));
    }
    return out;
}

Json map_entry(const PathMapper& mapper, Json entry) {
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

}  // namespace

Json map_compile_commands(const Json& database, const std::vector<PathMapping>& mappings) {
    if (!database.is_array()) {
        throw Error("not a compilation database: its top level is no list");
    }
    const PathMapper mapper(mappings);
    Json mapped = Json::array();
    for (const Json& entry : database) {
        mapped.push_back(with_context(fmt::format("entry {}", mapped.size() + 1),
                                      [&] { return map_entry(mapper, entry); }));
    }
    return mapped;
}

}  // namespace mstage::pipeline
