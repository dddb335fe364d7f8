#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/lock.hpp"
#include "base/text.hpp"
#include "engine/types.hpp"
#include "pipeline/plan.hpp"

namespace mstage::pipeline {

/// A checkpoint that is being made.
struct RunningStage {
    std::string checkpoint;
    TimePoint started;
    /// What it has mostly taken; nothing when it never succeeded.
    std::optional<std::chrono::nanoseconds> expected{};
    /// Of the command, once it runs; nothing for a base that is imported.
    std::optional<engine::RunId> run{};
    std::filesystem::path log{};
};

/// While it lives others see the checkpoint as being made: `<state_dir>/<checkpoint>.running`, a JSON
/// object with `version` (1), `started`, `expected_s`, `run` and `log` (the last three may be null),
/// locked (flock) by whoever makes it. A file that nobody has locked is what a killed one left. It is
/// written in place, for the lock is the file's: who meets it half-written looks again. Of what a
/// later version writes as much is read as is understood.
///
/// It is for looking, so nothing that goes wrong with it is an error.
class RunningMark {
public:
    RunningMark(const Plan& plan, const std::string& checkpoint);
    RunningMark(const RunningMark&) = delete;
    RunningMark& operator=(const RunningMark&) = delete;
    ~RunningMark();

    /// The command has started.
    void set_run(const engine::RunId& run, const std::filesystem::path& log);

private:
    void write() const;

    RunningStage m_stage;
    std::optional<FileLock> m_lock{};
};

/// Nothing when nobody makes it.
std::optional<RunningStage> read_running(const Plan& plan, const std::string& checkpoint);

/// The median of the last times that it ran well.
std::optional<std::chrono::nanoseconds> usual_duration(const Plan& plan,
                                                       const std::string& checkpoint);

/// The last line of a log that has something on it, for one line of a terminal: of a progress bar
/// what it shows now, control characters escaped.
std::string last_line_of(const std::filesystem::path& log);

}  // namespace mstage::pipeline
