#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

namespace mstage::cli {

namespace {

struct Range {
    std::uint32_t first;
    std::uint32_t last;
};

/// What takes two columns: East Asian scripts and pictures; and what takes none. The tables of the C
/// library depend on a locale, which is the caller's, and the text's is always UTF-8.
constexpr std::array k_wide = {
    Range{0x1100, 0x115f},   Range{0x2e80, 0x303e},   Range{0x3041, 0xa4cf},
    Range{0xac00, 0xd7a3},   Range{0xf900, 0xfaff},   Range{0xfe30, 0xfe6f},
    Range{0xff00, 0xff60},   Range{0xffe0, 0xffe6},   Range{0x1f300, 0x1f64f},
    Range{0x1f680, 0x1f6ff}, Range{0x1f900, 0x1faff}, Range{0x20000, 0x3fffd}};
constexpr std::array k_combining = {Range{0x0300, 0x036f}, Range{0x1ab0, 0x1aff},
                                    Range{0x200b, 0x200f}, Range{0x20d0, 0x20ff},
                                    Range{0xfe00, 0xfe0f}, Range{0xfe20, 0xfe2f}};

template <size_t N>
bool is_in(const std::array<Range, N>& ranges, std::uint32_t character) {
    return std::ranges::any_of(ranges, [&](const Range& range) {
        return range.first <= character && character <= range.last;
    });
}

struct Character {
    size_t bytes;
    size_t columns;
};

Character first_of(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    size_t bytes = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    bytes = std::min(bytes, text.size());
    std::uint32_t character = bytes == 1 ? lead : lead & (0x7fU >> bytes);
    for (size_t i = 1; i < bytes; ++i) {
        character = (character << 6U) | (static_cast<unsigned char>(text[i]) & 0x3fU);
    }
    return {bytes, is_in(k_combining, character) ? 0U : is_in(k_wide, character) ? 2U : 1U};
}

winsize window() {
    winsize size{};
    ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
    return size;
}

bool is_set(const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0';
}

}  // namespace

bool is_terminal() {
    const char* kind = std::getenv("TERM");
    return ::isatty(STDOUT_FILENO) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

std::optional<size_t> terminal_width() {
    if (::isatty(STDOUT_FILENO) != 1) {
        return std::nullopt;
    }
    const size_t columns = window().ws_col;
    return columns == 0 ? 80 : columns;
}

size_t terminal_height() {
    const size_t rows = window().ws_row;
    return rows == 0 ? 24 : rows;
}

std::string coloured(const std::string& text, Colour colour) {
    if (!is_terminal() || is_set("NO_COLOR")) {
        return text;
    }
    return fmt::format("\x1b[{}m{}\x1b[0m", static_cast<int>(colour), text);
}

size_t display_width(std::string_view text) {
    size_t width = 0;
    while (!text.empty()) {
        const Character next = first_of(text);
        width += next.columns;
        text.remove_prefix(next.bytes);
    }
    return width;
}

std::string cut_to_width(std::string_view text, size_t width) {
    if (display_width(text) <= width) {
        return std::string(text);
    }
    if (width == 0) {
        return "";
    }
    std::string out;
    size_t used = 0;
    while (true) {
        const Character next = first_of(text);
        if (used + next.columns > width - 1) {
            return out + "…";
        }
        out.append(text, 0, next.bytes);
        used += next.columns;
        text.remove_prefix(next.bytes);
    }
}

std::string padded(const std::string& text, size_t width) {
    const size_t used = display_width(text);
    return text + std::string(width - std::min(width, used), ' ');
}

}  // namespace mstage::cli
