#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mstage {

/// `text` as one word of a POSIX shell command line; plain words stay as they are.
std::string shell_quote(std::string_view text);
/// The words as one line, as one would type it.
std::string shell_quote(const std::vector<std::string>& words);

/// Control characters (but newline and tab) and bytes that are no UTF-8 as \xNN, so that a log line
/// or a file name cannot steer the terminal it is shown on. With `keep_colours`, SGR sequences (ESC
/// [ … m) pass.
enum class KeepColours { yes, no };
std::string escape_control(std::string_view text, KeepColours keep_colours = KeepColours::no);

/// A name as one file name: letters, digits and ._+- stay, everything else becomes %XX. Reversible,
/// and never empty, ".", ".." or hidden.
std::string escape_file_name(std::string_view name);
/// The inverse; throws Error when `file_name` is not an escaped name.
std::string unescape_file_name(std::string_view file_name);

/// A path in a Make-style dependency file, as Ninja reads it. Nothing for a path that can't be
/// written there: its reader ends a name at characters such as ';' and '*', however they are
/// escaped.
std::optional<std::string> escape_depfile_path(std::string_view path);

std::vector<std::string> split(std::string_view text, char separator);
/// The last `count` lines of `text`.
std::string last_lines(std::string_view text, size_t count);

/// `text` with each of its lines cut to `width` bytes, or a few less; what is missing of one is told
/// at its end.
std::string cut_lines(std::string_view text, size_t width);

/// "1.5 MiB", three significant digits.
std::string human_size(std::uint64_t bytes);
/// "3 min", "2 days".
std::string human_duration(std::chrono::nanoseconds duration);

using TimePoint = std::chrono::system_clock::time_point;
/// "2026-01-31T12:00:00.123456Z", UTC, and back.
std::string format_time(TimePoint time);
TimePoint parse_time(std::string_view text);

}  // namespace mstage
