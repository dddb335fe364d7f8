#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/text.hpp"

namespace mstage::engine {

/// A part of the time that a stage took: `key` (what it is made from is looked at and looked up),
/// `restore` or `mount`, `run`, `commit`; `import` for a base; `wait` where it had to wait for a
/// cache, or for somebody else who makes the same stage. bwrap's own work, a millisecond, is part of
/// `run`.
struct Phase {
    std::string name;
    TimePoint start;
    std::chrono::nanoseconds duration{0};
};

/// As records have it: [{"name", "start", "duration_s"}, …].
Json to_json(const std::vector<Phase>& phases);
std::vector<Phase> phases_from_json(const Json& json);

/// Measures phases that follow one another without a gap, the first from the making of the object.
class PhaseTimer {
public:
    using Clock = std::chrono::steady_clock;

    /// What went on since the end of the phase before was `name`.
    void end(const std::string& name, Clock::time_point at = Clock::now());
    /// Has these phases from now on: ours, and what somebody else has measured since.
    void go_on_from(std::vector<Phase> phases);
    /// What went on since then belongs to the last phase too.
    void extend_last();

    const std::vector<Phase>& phases() const noexcept { return m_phases; }

private:
    TimePoint m_started = std::chrono::system_clock::now();
    Clock::time_point m_zero = Clock::now();
    Clock::time_point m_end_of_last = m_zero;
    std::vector<Phase> m_phases;
};

}  // namespace mstage::engine
