#include "base/secret_patterns.hpp"

#include <algorithm>
#include <optional>

#include "base/base64.hpp"
#include "base/text.hpp"

namespace mstage {

namespace {

/// Shorter lines of a secret are words that others use too.
constexpr size_t k_shortest_line = 16;
/// What one line of base64 holds: 76 letters.
constexpr size_t k_bytes_per_line = 57;
/// Blanks that may indent a line of base64.
constexpr size_t k_longest_indent = 32;
/// What is said of a text that ends after its first byte.
constexpr std::uint32_t k_first_byte_only = 1U << 16;

std::uint32_t pair_of(char first, char second) {
    return static_cast<std::uint8_t>(first) * 256U + static_cast<std::uint8_t>(second);
}

std::uint32_t single(char first) {
    return k_first_byte_only + static_cast<std::uint8_t>(first);
}

std::string_view trimmed(std::string_view text, std::string_view letters) {
    const size_t first = text.find_first_not_of(letters);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(letters) - first + 1);
}

std::string_view without_line_ends(std::string_view value) {
    return value.substr(0, value.find_last_not_of("\r\n") + 1);
}

/// Letters that every way of writing an URL leaves alone.
bool is_unreserved(char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

std::optional<unsigned> hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return std::nullopt;
}

/// Both digits of a byte, in each way to write them.
std::vector<std::string> hex_forms(char c) {
    const auto byte = static_cast<std::uint8_t>(c);
    std::vector<std::string> forms;
    for (const char* high : {"0123456789abcdef", "0123456789ABCDEF"}) {
        for (const char* low : {"0123456789abcdef", "0123456789ABCDEF"}) {
            forms.push_back({high[byte >> 4U], low[byte & 15U]});
        }
    }
    return forms;
}

std::string utf8(std::uint32_t code) {
    const auto tail = [code](unsigned shift) {
        return static_cast<char>(0x80U | (code >> shift & 0x3fU));
    };
    if (code < 0x80) {
        return {static_cast<char>(code)};
    }
    if (code < 0x800) {
        return {static_cast<char>(0xc0U | code >> 6U), tail(0)};
    }
    if (code < 0x10000) {
        return {static_cast<char>(0xe0U | code >> 12U), tail(6), tail(0)};
    }
    return {static_cast<char>(0xf0U | code >> 18U), tail(12), tail(6), tail(0)};
}

/// An escape of a JSON string, or what may become one.
struct JsonEscape {
    std::string bytes{};   ///< that it stands for; empty when there is none
    size_t length = 0;     ///< of the escape
    bool is_open = false;  ///< the text ends in it
};

/// The number of "\\uXXXX".
struct JsonUnit {
    std::optional<std::uint32_t> value{};
    bool is_open = false;
};

JsonUnit json_unit(std::string_view text) {
    constexpr std::string_view k_beginning = "\\u";
    constexpr size_t k_length = 6;
    std::uint32_t value = 0;
    for (size_t at = 0; at < k_length; ++at) {
        if (at == text.size()) {
            return {.is_open = true};
        }
        if (at < k_beginning.size()) {
            if (text[at] != k_beginning[at]) {
                return {};
            }
            continue;
        }
        const auto digit = hex_digit(text[at]);
        if (!digit) {
            return {};
        }
        value = value << 4U | *digit;
    }
    return {.value = value};
}

/// `text` begins with a backslash.
JsonEscape json_escape(std::string_view text) {
    constexpr std::string_view k_letters = "\"\\/bfnrt";
    constexpr std::string_view k_meanings = "\"\\/\b\f\n\r\t";
    if (text.size() > 1 && text[1] != 'u') {
        const size_t found = k_letters.find(text[1]);
        return found == std::string_view::npos
                   ? JsonEscape{}
                   : JsonEscape{.bytes = std::string(1, k_meanings[found]), .length = 2};
    }
    const JsonUnit first = json_unit(text);
    if (!first.value) {
        return {.is_open = first.is_open};
    }
    constexpr size_t k_length = 6;
    constexpr std::uint32_t k_high = 0xd800;
    constexpr std::uint32_t k_low = 0xdc00;
    constexpr std::uint32_t k_end = 0xe000;
    if (*first.value < k_high || *first.value >= k_end) {
        return {.bytes = utf8(*first.value), .length = k_length};
    }
    // What has no room in one is in two.
    const JsonUnit second = json_unit(text.substr(k_length));
    if (!second.value || *first.value >= k_low || *second.value < k_low || *second.value >= k_end) {
        return {.is_open = second.is_open && *first.value < k_low};
    }
    return {.bytes = utf8(0x10000 + ((*first.value - k_high) << 10U) + (*second.value - k_low)),
            .length = 2 * k_length};
}

/// The letter of the standard alphabet for one of either.
char standard_letter(char c) {
    if (c == '-') {
        return '+';
    }
    return c == '_' ? '/' : c;
}

std::string both_alphabets(char letter) {
    if (letter == '+') {
        return "+-";
    }
    return letter == '/' ? std::string("/_") : std::string(1, letter);
}

/// Behind one line end at `at` and the blanks after it; `at` when there is none.
size_t behind_line_end(std::string_view text, size_t at) {
    size_t next = at;
    next += next < text.size() && text[next] == '\r' ? 1 : 0;
    if (next == text.size()) {
        return next;
    }
    if (text[next] != '\n') {
        return at;
    }
    ++next;
    const size_t limit = std::min(text.size(), next + k_longest_indent);
    while (next < limit && (text[next] == ' ' || text[next] == '\t')) {
        ++next;
    }
    return next;
}

}  // namespace

/// How a text goes along with a pattern from its beginning.
struct SecretPatterns::Fit {
    size_t length = 0;      ///< of the text, when all of the pattern is there
    size_t open_after = 0;  ///< so much of the pattern is there, and there the text ends

    static Fit whole(size_t length) { return {.length = length}; }
    static Fit open(size_t matched) { return {.open_after = matched}; }
};

void SecretPatterns::add(std::string_view value) {
    const std::string_view body = without_line_ends(value);
    if (body.size() >= k_shortest_secret) {
        add_forms(body);
        add_printed_base64(value);
        for (const std::string& line : split(body, '\n')) {
            const std::string_view word = trimmed(line, " \t\r");
            if (word.size() >= k_shortest_line && word.size() < body.size() &&
                !word.starts_with("-----")) {
                add_forms(word);
            }
        }
    }
    ++m_secrets;
}

void SecretPatterns::add_forms(std::string_view value) {
    add_pattern(std::string(value), Form::plain);
    if (!std::ranges::all_of(value, is_unreserved)) {
        add_pattern(std::string(value), Form::percent);
        add_pattern(std::string(value), Form::json);
    }
    add_pattern(std::string(value), Form::hex);
    for (size_t offset = 0; offset < 3; ++offset) {
        add_base64(value, offset);
    }
}

/// The letters that `value` alone decides when `offset` (modulo 3) bytes are encoded before it.
void SecretPatterns::add_base64(std::string_view value, size_t offset) {
    const std::string text = encode_base64(std::string(offset, '\0').append(value));
    const size_t first = (offset * 8 + 5) / 6;
    const size_t end = (offset + value.size()) * 8 / 6;
    add_pattern(text.substr(first, end - first), Form::base64);
}

/// As `base64 FILE` and `echo VALUE | base64` have it, to its end, and the lines in which they do.
void SecretPatterns::add_printed_base64(std::string_view value) {
    const std::string_view body = without_line_ends(value);
    for (const std::string& text :
         {std::string(value), std::string(body), std::string(body) + "\n"}) {
        add_pattern(encode_base64(text), Form::base64);
    }
    if (body.size() > k_bytes_per_line) {
        for (size_t at = 0; at < body.size(); at += k_bytes_per_line) {
            const std::string_view piece = body.substr(at, k_bytes_per_line);
            if (piece.size() >= k_shortest_line) {
                add_base64(piece, 0);
            }
        }
    }
}

void SecretPatterns::add_pattern(std::string bytes, Form form) {
    const auto number = static_cast<std::uint32_t>(m_patterns.size());
    m_patterns.push_back({std::move(bytes), form, m_secrets});
    const auto note = [&](std::uint32_t beginning) {
        std::vector<std::uint32_t>& numbers = m_by_beginning[beginning];
        if (numbers.empty() || numbers.back() != number) {
            numbers.push_back(number);
        }
    };
    for (const std::string& beginning : beginnings(m_patterns.back())) {
        const std::uint32_t pair = pair_of(beginning[0], beginning[1]);
        m_is_beginning.set(pair);
        note(pair);
        note(single(beginning[0]));
    }
}

/// The two bytes that a text with this pattern can begin with.
std::vector<std::string> SecretPatterns::beginnings(const Pattern& pattern) {
    std::string firsts(1, pattern.bytes[0]);
    std::string seconds(1, pattern.bytes[1]);
    std::vector<std::string> found;
    if (pattern.form == Form::base64) {
        firsts = both_alphabets(firsts[0]);
        seconds = both_alphabets(seconds[0]) + "\r\n";
    }
    if (pattern.form == Form::percent) {
        const auto byte = static_cast<std::uint8_t>(firsts[0]);
        for (const char digit : {"0123456789abcdef"[byte >> 4U], "0123456789ABCDEF"[byte >> 4U]}) {
            found.push_back({'%', digit});
        }
        firsts += firsts[0] == ' ' ? "+" : "";
        seconds += seconds[0] == ' ' ? "%+" : "%";
    }
    if (pattern.form == Form::hex) {
        return hex_forms(firsts[0]);
    }
    if (pattern.form == Form::json) {
        for (const char letter : std::string_view("u\"\\/bfnrt")) {
            found.push_back({'\\', letter});
        }
        seconds += '\\';
    }
    for (const char first : firsts) {
        for (const char second : seconds) {
            found.push_back({first, second});
        }
    }
    return found;
}

size_t SecretPatterns::next_candidate(std::string_view text, size_t from) const {
    if (m_patterns.empty()) {
        return text.size();
    }
    size_t at = from;
    for (; at + 1 < text.size(); ++at) {
        if (m_is_beginning[pair_of(text[at], text[at + 1])]) {
            return at;
        }
    }
    const bool is_last = at < text.size() && m_by_beginning.contains(single(text[at]));
    return is_last ? at : text.size();
}

SecretPatterns::Match SecretPatterns::match_at(std::string_view text, size_t at) const {
    const std::string_view rest = text.substr(at);
    const auto found =
        m_by_beginning.find(rest.size() > 1 ? pair_of(rest[0], rest[1]) : single(rest[0]));
    Match match;
    if (found == m_by_beginning.end()) {
        return match;
    }
    for (const std::uint32_t number : found->second) {
        const Pattern& pattern = m_patterns[number];
        const Fit fit_here = fit(pattern, rest);
        if (fit_here.length > match.length) {
            match.length = fit_here.length;
            match.secret = pattern.secret;
        }
        if (fit_here.open_after > 0) {
            match.is_open = true;
            match.is_mostly |= fit_here.open_after * 2 >= pattern.bytes.size();
        }
    }
    return match;
}

SecretPatterns::Fit SecretPatterns::fit(const Pattern& pattern, std::string_view text) {
    switch (pattern.form) {
        case Form::plain:
            return fit_plain(pattern.bytes, text);
        case Form::percent:
            return fit_percent(pattern.bytes, text);
        case Form::json:
            return fit_json(pattern.bytes, text);
        case Form::hex:
            return fit_hex(pattern.bytes, text);
        case Form::base64:
            break;
    }
    return fit_base64(pattern.bytes, text);
}

SecretPatterns::Fit SecretPatterns::fit_plain(std::string_view pattern, std::string_view text) {
    size_t at = 0;
    for (size_t i = 0; i < pattern.size(); ++i) {
        // A terminal makes CR and LF of LF.
        while (pattern[i] == '\n' && at < text.size() && text[at] == '\r') {
            ++at;
        }
        if (at == text.size()) {
            return Fit::open(i);
        }
        if (text[at] != pattern[i]) {
            return {};
        }
        ++at;
    }
    return Fit::whole(at);
}

SecretPatterns::Fit SecretPatterns::fit_percent(std::string_view pattern, std::string_view text) {
    size_t at = 0;
    for (size_t i = 0; i < pattern.size(); ++i) {
        if (at == text.size()) {
            return Fit::open(i);
        }
        if (text[at] == '%') {
            const auto high = at + 1 < text.size() ? hex_digit(text[at + 1]) : std::nullopt;
            const auto low = at + 2 < text.size() ? hex_digit(text[at + 2]) : std::nullopt;
            if (high && low && static_cast<char>(*high << 4U | *low) == pattern[i]) {
                at += 3;
                continue;
            }
            if (at + 1 == text.size() || (high && at + 2 == text.size())) {
                return Fit::open(std::max<size_t>(i, 1));
            }
        }
        if (text[at] != pattern[i] && !(text[at] == '+' && pattern[i] == ' ')) {
            return {};
        }
        ++at;
    }
    return Fit::whole(at);
}

SecretPatterns::Fit SecretPatterns::fit_json(std::string_view pattern, std::string_view text) {
    size_t at = 0;
    for (size_t i = 0; i < pattern.size();) {
        if (at == text.size()) {
            return Fit::open(i);
        }
        if (text[at] == '\\') {
            const JsonEscape escape = json_escape(text.substr(at));
            if (escape.is_open) {
                return Fit::open(std::max<size_t>(i, 1));
            }
            if (escape.length > 0 && pattern.substr(i).starts_with(escape.bytes)) {
                i += escape.bytes.size();
                at += escape.length;
                continue;
            }
        }
        if (text[at] != pattern[i]) {
            return {};
        }
        ++at;
        ++i;
    }
    return Fit::whole(at);
}

SecretPatterns::Fit SecretPatterns::fit_hex(std::string_view pattern, std::string_view text) {
    size_t at = 0;
    for (size_t i = 0; i < pattern.size(); ++i) {
        if (i > 0) {
            const size_t next = behind_line_end(text, at);
            const bool is_parted =
                next == at && at < text.size() && (text[at] == ' ' || text[at] == ':');
            at = is_parted ? at + 1 : next;
        }
        const auto byte = static_cast<std::uint8_t>(pattern[i]);
        for (const unsigned digit : {unsigned{byte} >> 4U, unsigned{byte} & 15U}) {
            if (at == text.size()) {
                return Fit::open(std::max<size_t>(i, 1));
            }
            if (hex_digit(text[at]) != digit) {
                return {};
            }
            ++at;
        }
    }
    return Fit::whole(at);
}

SecretPatterns::Fit SecretPatterns::fit_base64(std::string_view pattern, std::string_view text) {
    size_t at = 0;
    for (size_t i = 0; i < pattern.size(); ++i) {
        if (i > 0) {
            at = behind_line_end(text, at);
        }
        if (at == text.size()) {
            return Fit::open(i);
        }
        if (standard_letter(text[at]) != pattern[i]) {
            return {};
        }
        ++at;
    }
    return Fit::whole(at);
}

}  // namespace mstage
