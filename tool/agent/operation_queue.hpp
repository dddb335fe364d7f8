#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/operation.hpp"
#include "agent/settings.hpp"
#include "agent/tools/tools.hpp"

namespace mstage::agent {

/// The operations of this server, at most Settings::jobs of them at the same time, and those that
/// have ended, of any server.
class OperationQueue {
public:
    using Clock = std::chrono::steady_clock;

    explicit OperationQueue(const Settings& settings);

    /// Its id. It begins when it is its turn, see step().
    std::string add(const OperationTool& tool, Json arguments);
    /// Nothing when none of that id is known.
    std::optional<Operation> find(const std::string& id) const;
    /// Those that have not ended, newest first.
    std::vector<Operation> unfinished() const;
    const OperationFiles& files() const noexcept { return m_files; }

    /// Asks it to end; it has ended when find() says so. One that has ended already stays as it is.
    void cancel(const std::string& id);

    /// What to wait for, before step().
    std::vector<int> fds() const;
    std::optional<Clock::time_point> next_deadline() const;
    /// Takes what jobs have told, begins what can begin, ends what has had its time.
    void step();

    /// What has happened since this was asked.
    struct Event {
        std::string id;
        std::optional<std::string> line;  ///< of its output; nothing: it has ended
    };
    std::vector<Event> take_events() { return std::exchange(m_events, {}); }
    /// Since it began; nothing when it has not.
    std::optional<double> seconds_of(const std::string& id) const;

    /// Cancels all and waits until they have ended.
    void end_all();

private:
    struct Entry {
        Operation operation;
        const OperationTool* tool;
        Json arguments;
        std::optional<Job> job{};
        Clock::time_point began{};
        std::optional<Clock::time_point> deadline{};  ///< its time is up then
        std::optional<Clock::time_point> kill_at{};   ///< asked to end, and did not
        bool time_is_up = false;
    };

    void begin(Entry& entry);
    void ask_to_end(Entry& entry);
    void check_time(Entry& entry, Clock::time_point now);
    void finish(Entry& entry);

    const Settings& m_settings;
    OperationFiles m_files;
    std::vector<Entry> m_entries;  ///< in the order in which they came
    std::vector<Event> m_events;
};

}  // namespace mstage::agent
