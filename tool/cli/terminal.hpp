#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mstage::cli {

/// Whether stdout is a terminal that understands control sequences.
bool is_terminal();
/// Its columns; nothing when stdout is none.
std::optional<size_t> terminal_width();
/// Its rows, as far as they are known.
size_t terminal_height();

enum class Colour { red = 31, green = 32, yellow = 33, blue = 34, grey = 90 };
/// The text in that colour, on a terminal and unless NO_COLOR is set (https://no-color.org).
std::string coloured(const std::string& text, Colour colour);

/// How many columns the text takes: UTF-8 without control characters.
size_t display_width(std::string_view text);
/// As much of it as fits; what is cut off leaves a "…".
std::string cut_to_width(std::string_view text, size_t width);
/// With blanks behind it up to that width.
std::string padded(const std::string& text, size_t width);

}  // namespace mstage::cli
