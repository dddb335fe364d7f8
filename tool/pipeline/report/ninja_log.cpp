#include "pipeline/report/ninja_log.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace mstage::pipeline {

namespace {

using std::chrono::milliseconds;

/// What clocks of files and of steps may differ by.
constexpr milliseconds k_slack{100};

struct Line {
    milliseconds start{0};
    milliseconds end{0};
    std::int64_t stamp_ns = 0;
    std::string output;
    std::string hash;
};

template <typename T>
bool read_number(const std::string& text, T& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc() && end == text.data() + text.size();
}

std::optional<Line> parse_line(const std::string& text) {
    const std::vector<std::string> fields = split(text, '\t');
    std::int64_t start = 0;
    std::int64_t end = 0;
    Line line;
    if (fields.size() != 5 || !read_number(fields[0], start) || !read_number(fields[1], end) ||
        !read_number(fields[2], line.stamp_ns) || start < 0 || end < start) {
        return std::nullopt;
    }
    line.start = milliseconds(start);
    line.end = milliseconds(end);
    line.output = fields[3];
    line.hash = fields[4];
    return line;
}

/// By Ninja.
std::vector<std::vector<Line>> parse(std::string_view log) {
    std::vector<std::vector<Line>> ninjas;
    const std::vector<std::string> texts = split(log, '\n');
    constexpr std::array k_headers = {"# ninja log v5", "# ninja log v6", "# ninja log v7"};
    if (std::ranges::find(k_headers, texts.front()) == k_headers.end()) {
        return ninjas;
    }
    for (const std::string& text : texts) {
        auto line = parse_line(text);
        if (!line) {
            continue;
        }
        if (ninjas.empty() || line->end < ninjas.back().back().end) {
            ninjas.emplace_back();
        }
        ninjas.back().push_back(std::move(*line));
    }
    return ninjas;
}

bool lies_in(TimePoint time, const TimeSpan& span) {
    return time >= span.start - k_slack && time <= span.end + k_slack;
}

/// By the first of the commands' own stamps: those of commands whose outputs were looked at
/// afterwards are later than their start.
std::optional<TimePoint> start_by_stamps(const std::vector<Line>& lines, const TimeSpan& span) {
    std::optional<TimePoint> start;
    for (const Line& line : lines) {
        const TimePoint stamp{std::chrono::duration_cast<TimePoint::duration>(
            std::chrono::nanoseconds(line.stamp_ns))};
        if (lies_in(stamp, span) && (!start || stamp - line.start < *start)) {
            start = stamp - line.start;
        }
    }
    return start;
}

void add_steps(const std::vector<Line>& lines, TimePoint ninja_start, const TimeSpan& span,
               std::vector<NinjaStep>& steps) {
    const Line* before = nullptr;
    for (const Line& line : lines) {
        // A command with several outputs has a line for each.
        if (before != nullptr && before->hash == line.hash && before->start == line.start &&
            before->end == line.end) {
            ++steps.back().outputs;
            continue;
        }
        before = &line;
        const TimePoint start = std::clamp(ninja_start + line.start, span.start, span.end);
        const TimePoint end = std::clamp(ninja_start + line.end, span.start, span.end);
        steps.push_back({.output = line.output, .start = start, .duration = end - start});
    }
}

}  // namespace

std::vector<NinjaStep> read_ninja_log(std::string_view log, TimePoint written,
                                      const TimeSpan& span) {
    std::vector<NinjaStep> steps;
    const std::vector<std::vector<Line>> ninjas = parse(log);
    for (const std::vector<Line>& lines : ninjas) {
        std::optional<TimePoint> start;
        if (&lines == &ninjas.back()) {
            start = written - lines.back().end;
        }
        if (!start || !lies_in(*start, span)) {
            start = start_by_stamps(lines, span);
        }
        if (start && lies_in(*start, span)) {
            add_steps(lines, *start, span, steps);
        }
    }
    std::ranges::stable_sort(steps, {}, &NinjaStep::start);
    return steps;
}

}  // namespace mstage::pipeline
