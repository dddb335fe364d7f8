#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/fd.hpp"
#include "base/json.hpp"

namespace mstage::agent {

/// How a job tells what is going on, in a line for people.
using Report = std::function<void(std::string_view line)>;
/// What is done in a process of its own. What it throws becomes the job's failure.
using Work = std::function<Json(const Report& report)>;

struct Failure {
    std::string message;
    std::string hint{};
};

/// Work in a child of ours: it can take its time, be ended at any moment, and crash, and the server
/// goes on. It dies with the server. Its stdout is stderr, for ours is the protocol's.
class Job {
public:
    static Job start(const Work& work);
    Job(Job&&) noexcept = default;
    Job& operator=(Job&&) noexcept = default;
    /// Kills it if it still runs.
    ~Job();

    /// Readable when there is something for take().
    int fd() const noexcept { return m_messages.get(); }
    /// Reads what there is, without waiting for more. False once the job has ended.
    bool take();

    /// The last line that it has told since this was asked; nothing when it has told none.
    std::optional<std::string> take_line() { return std::exchange(m_line, std::nullopt); }
    /// Asks it to end, with all that it started; kill() is for one that does not.
    void ask_to_end() const;
    void kill() const;

    /// When it has ended: what came of it, or why nothing did.
    const std::optional<Json>& answer() const noexcept { return m_answer; }
    const Failure& failure() const noexcept { return m_failure; }

private:
    Job(pid_t pid, Fd messages) : m_pid(pid), m_messages(std::move(messages)) {}
    void take_message(const std::string& text);

    /// Moving it leaves none.
    struct Pid {
        explicit Pid(pid_t number) : value(number) {}
        Pid(Pid&& other) noexcept : value(std::exchange(other.value, -1)) {}
        Pid& operator=(Pid&& other) noexcept {
            std::swap(value, other.value);
            return *this;
        }
        pid_t value;
    };

    Pid m_pid;
    Fd m_messages;
    std::string m_buffer;
    std::optional<std::string> m_line;
    std::optional<Json> m_answer;
    Failure m_failure;
};

/// The failure that an exception is.
Failure failure_of(const std::exception& exception);

}  // namespace mstage::agent
