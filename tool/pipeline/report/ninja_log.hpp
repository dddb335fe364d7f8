#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"

namespace mstage::pipeline {

/// One command that a Ninja ran.
struct NinjaStep {
    std::string output;  ///< its first one
    size_t outputs = 1;
    TimePoint start;
    std::chrono::nanoseconds duration{0};
};

struct TimeSpan {
    TimePoint start;
    TimePoint end;
};

/// What a `.ninja_log` (versions 5 to 7) of an image tells about Ninjas that ran within `span`, in
/// the order of their starts; empty when it is no such log. `written` is the log file's mtime.
///
///     # ninja log v5
///     <start ms> \t <end ms> \t <mtime ns> \t <output> \t <hash>
///
/// Times count from the start of each Ninja, which is not in the log. A line is written when its
/// command ends, so the last Ninja started as long before `written` as its last line says. Those
/// before it, told apart by the ends of commands, which grow, started as long before a command's own
/// time stamp (the third field, which newer Ninjas take when a command starts) as the command did.
/// What ran outside of `span`, in an earlier stage, is left out.
std::vector<NinjaStep> read_ninja_log(std::string_view log, TimePoint written,
                                      const TimeSpan& span);

}  // namespace mstage::pipeline
