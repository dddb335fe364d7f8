#include "base/text.hpp"

#include <fmt/chrono.h>

#include <array>
#include <charconv>
#include <ctime>

#include "base/error.hpp"

namespace mstage {

namespace {

constexpr bool is_letter_or_digit(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Length of the well-formed UTF-8 sequence that starts `text`, 0 when there is none. C1 controls
/// (U+0080…9F) count as ill-formed: terminals obey them.
size_t utf8_length(std::string_view text) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    const size_t length = first < 0x80   ? 1
                          : first < 0xC2 ? 0
                          : first < 0xE0 ? 2
                          : first < 0xF0 ? 3
                          : first < 0xF5 ? 4
                                         : 0;
    if (length == 0 || length > text.size()) {
        return 0;
    }
    for (size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) {
            return 0;
        }
    }
    if (length == 2 && first == 0xC2 && byte(1) < 0xA0) {
        return 0;
    }
    return length;
}

/// Length of the SGR sequence (ESC [ digits and semicolons m) that starts `text`, else 0.
size_t sgr_length(std::string_view text) {
    if (!text.starts_with("\x1b[")) {
        return 0;
    }
    const size_t end = text.find_first_not_of("0123456789;", 2);
    return end != std::string_view::npos && text[end] == 'm' ? end + 1 : 0;
}

int hex_digit(char c) {
    static constexpr std::string_view k_digits = "0123456789ABCDEF";
    const size_t digit = k_digits.find(c);
    return digit == std::string_view::npos ? -1 : static_cast<int>(digit);
}

}  // namespace

std::string shell_quote(std::string_view text) {
    const auto is_plain = [](unsigned char c) {
        return is_letter_or_digit(c) ||
               std::string_view("%+,-./:=@_^").find(static_cast<char>(c)) != std::string_view::npos;
    };
    bool plain = !text.empty();
    for (const char c : text) {
        plain = plain && is_plain(static_cast<unsigned char>(c));
    }
    if (plain) {
        return std::string(text);
    }
    std::string quoted = "'";
    for (const char c : text) {
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    }
    return quoted + "'";
}

std::string shell_quote(const std::vector<std::string>& words) {
    std::string line;
    for (const std::string& word : words) {
        line.append(line.empty() ? "" : " ").append(shell_quote(word));
    }
    return line;
}

std::string escape_control(std::string_view text, KeepColours keep_colours) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        size_t length = keep_colours == KeepColours::yes ? sgr_length(text) : 0;
        if (length == 0) {
            length = utf8_length(text);
            const auto first = static_cast<unsigned char>(text[0]);
            const bool is_control =
                (first < 0x20 && first != '\n' && first != '\t') || first == 0x7F;
            if (length == 0 || is_control) {
                out += fmt::format("\\x{:02x}", first);
                text.remove_prefix(1);
                continue;
            }
        }
        out += text.substr(0, length);
        text.remove_prefix(length);
    }
    return out;
}

std::string escape_file_name(std::string_view name) {
    std::string out;
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = is_letter_or_digit(byte) || c == '_' || c == '+' || c == '-' ||
                           (c == '.' && !out.empty());
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", byte);
    }
    return out.empty() ? "%" : out;
}

std::string unescape_file_name(std::string_view file_name) {
    if (file_name == "%") {
        return {};
    }
    std::string out;
    for (size_t i = 0; i < file_name.size(); ++i) {
        if (file_name[i] != '%') {
            out += file_name[i];
            continue;
        }
        const int high = i + 2 < file_name.size() ? hex_digit(file_name[i + 1]) : -1;
        const int low = i + 2 < file_name.size() ? hex_digit(file_name[i + 2]) : -1;
        if (high < 0 || low < 0) {
            throw Error("'{}' is not an escaped name", file_name);
        }
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return out;
}

std::optional<std::string> escape_depfile_path(std::string_view path) {
    static constexpr std::string_view k_other_readable = " #$+,/_:.~()}{%=@[]!-";
    std::string out;
    if (path.ends_with(':')) {
        return std::nullopt;  // taken for the one that ends the outputs
    }
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        if (!is_letter_or_digit(byte) && byte < 0x80 &&
            k_other_readable.find(c) == std::string_view::npos) {
            return std::nullopt;
        }
        if (c == ' ' || c == '#') {
            out += '\\';
        } else if (c == '$') {
            out += '$';
        }
        out += c;
    }
    return out;
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    size_t begin = 0;
    while (true) {
        const size_t end = text.find(separator, begin);
        parts.emplace_back(text.substr(begin, end - begin));
        if (end == std::string_view::npos) {
            return parts;
        }
        begin = end + 1;
    }
}

std::string last_lines(std::string_view text, size_t count) {
    if (text.ends_with('\n')) {
        text.remove_suffix(1);
    }
    size_t begin = text.size();
    while (begin > 0 && count > 0) {
        const size_t newline = text.rfind('\n', begin - 1);
        if (newline == std::string_view::npos) {
            return std::string(text);
        }
        begin = newline;
        --count;
    }
    if (count > 0 || begin == text.size()) {
        return std::string(text.substr(begin));  // the first line is empty, or none was asked for
    }
    return std::string(text.substr(begin + 1));
}

std::string cut_lines(std::string_view text, size_t width) {
    std::string out;
    for (const std::string& line : split(text, '\n')) {
        size_t end = std::min(width, line.size());
        while (end < line.size() && end > 0 &&
               (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) {
            --end;  // not in the midst of a character
        }
        out += line.substr(0, end);
        if (end < line.size()) {
            out += fmt::format(" … ({} more bytes)", line.size() - end);
        }
        out += '\n';
    }
    out.pop_back();
    return out;
}

std::string human_size(std::uint64_t bytes) {
    static constexpr std::array k_units = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    auto value = static_cast<double>(bytes);
    size_t unit = 0;
    while (value >= 1000 && unit + 1 < k_units.size()) {
        value /= 1024;
        ++unit;
    }
    if (unit == 0) {
        return fmt::format("{} B", bytes);
    }
    return fmt::format("{:.{}f} {}", value, value < 10 ? 2 : value < 100 ? 1 : 0, k_units[unit]);
}

std::string human_duration(std::chrono::nanoseconds duration) {
    const double seconds = std::chrono::duration<double>(duration).count();
    if (seconds < 1) {
        return fmt::format("{:.0f} ms", seconds * 1e3);
    }
    if (seconds < 60) {
        return fmt::format("{:.1f} s", seconds);
    }
    if (seconds < 3600) {
        return fmt::format("{:.0f} min", seconds / 60);
    }
    if (seconds < 2 * 86400.0) {
        return fmt::format("{:.0f} h", seconds / 3600);
    }
    return fmt::format("{:.0f} days", seconds / 86400);
}

std::string format_time(TimePoint time) {
    const auto whole = std::chrono::floor<std::chrono::seconds>(time);
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(time - whole).count();
    const std::tm utc = fmt::gmtime(std::chrono::system_clock::to_time_t(whole));
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", utc, micros);
}

namespace {

/// Of ".5", what stands there and is behind it; no more than microseconds count.
std::chrono::microseconds take_fraction(const char*& rest) {
    std::int64_t micros = 0;
    int digits = 0;
    if (*rest == '.') {
        for (++rest; *rest >= '0' && *rest <= '9'; ++rest, ++digits) {
            micros = digits < 6 ? 10 * micros + (*rest - '0') : micros;
        }
    }
    for (; digits < 6; ++digits) {
        micros *= 10;
    }
    return std::chrono::microseconds(micros);
}

/// Of "Z" or "+02:00", how much later than UTC that is.
std::optional<std::chrono::minutes> take_zone(std::string_view text) {
    if (text == "Z" || text == "z") {
        return std::chrono::minutes(0);
    }
    unsigned hours = 0;
    unsigned minutes = 0;
    const bool is_offset =
        text.size() == 6 && (text[0] == '+' || text[0] == '-') &&
        std::from_chars(&text[1], &text[3], hours).ptr == &text[3] && text[3] == ':' &&
        std::from_chars(&text[4], text.data() + 6, minutes).ptr == text.data() + 6;
    if (!is_offset) {
        return std::nullopt;
    }
    const std::chrono::minutes offset(60 * hours + minutes);
    return text[0] == '-' ? -offset : offset;
}

}  // namespace

// What people give, too: fewer digits, or more, and an offset instead of the Z.
TimePoint parse_time(std::string_view text) {
    std::tm utc{};
    const std::string copy(text);
    const char* rest = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &utc);
    if (rest != nullptr) {
        const auto fraction = take_fraction(rest);
        if (const auto zone = take_zone(rest)) {
            return std::chrono::system_clock::from_time_t(::timegm(&utc)) + fraction - *zone;
        }
    }
    throw Error("'{}' is not a time", text);
}

}  // namespace mstage
