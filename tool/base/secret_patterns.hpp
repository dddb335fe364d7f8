#pragma once

#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mstage {

/// What shorter values look like turns up everywhere.
inline constexpr size_t k_shortest_secret = 6;

/// Secrets in the forms in which commands mostly show them, to be found in texts that come in pieces
/// (see SecretStream):
///
/// * as they are, but for line ends at their end;
/// * with any of their characters as %XX, and blanks as '+';
/// * with any of them as the escapes of a JSON string;
/// * in hexadecimal digits of either case, with line ends as below, or a blank or a colon, between
///   bytes;
/// * in base64 of either alphabet, also when something else is encoded before or behind it, then but
///   for the letters that depend on that too. Line ends, with the blanks that indent the next line,
///   may be anywhere in it.
///
/// Of a secret of several lines, each that is long enough counts by itself (but for the first and
/// last one of a PEM file, which say nothing), and of a long one each line that `base64` prints.
class SecretPatterns {
public:
    /// Secrets are numbered in the order of their adding. Values that are too short are left out.
    void add(std::string_view value);
    bool empty() const { return m_patterns.empty(); }

    /// Where in `text`, from `from` on, a secret may begin; the text's size when nowhere.
    size_t next_candidate(std::string_view text, size_t from) const;

    /// What is at a candidate.
    struct Match {
        size_t length = 0;  ///< of the longest that is there; 0: none
        size_t secret = 0;
        bool is_open = false;    ///< the text ends where (another) one could still go on
        bool is_mostly = false;  ///< and at least half of that is there
    };
    Match match_at(std::string_view text, size_t at) const;

private:
    enum class Form { plain, percent, json, hex, base64 };
    struct Pattern {
        std::string bytes;
        Form form;
        size_t secret;
    };
    struct Fit;

    void add_forms(std::string_view value);
    void add_base64(std::string_view value, size_t offset);
    void add_printed_base64(std::string_view value);
    void add_pattern(std::string bytes, Form form);
    static std::vector<std::string> beginnings(const Pattern& pattern);
    static Fit fit(const Pattern& pattern, std::string_view text);
    static Fit fit_plain(std::string_view pattern, std::string_view text);
    static Fit fit_percent(std::string_view pattern, std::string_view text);
    static Fit fit_json(std::string_view pattern, std::string_view text);
    static Fit fit_hex(std::string_view pattern, std::string_view text);
    static Fit fit_base64(std::string_view pattern, std::string_view text);

    size_t m_secrets = 0;
    std::vector<Pattern> m_patterns;
    // By the first two bytes of a text, and by the first one for where a text ends.
    std::bitset<65536> m_is_beginning;
    std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> m_by_beginning;
};

}  // namespace mstage
