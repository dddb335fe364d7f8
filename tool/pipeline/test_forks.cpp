#include "pipeline/test_forks.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/end_signals.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/json.hpp"
#include "base/process.hpp"

namespace mstage::pipeline {

namespace {

// What a fork tells us when it is done: one JSON object, of either of three forms. Both ends are the
// same program, so there is no version.
//   run, log, exit_code, timed_out, interrupted_by, wall_ns, user_ns, system_ns, peak_memory_bytes,
//   leaks
//   unavailable: why there can be no sandbox
//   breakdown: why the command could not be run

Json answer_of(const engine::RunResult& result) {
    const engine::Outcome& outcome = result.outcome;
    return {{"run", result.run.str()},
            {"log", result.log.native()},
            {"exit_code", outcome.code},
            {"timed_out", outcome.timed_out},
            {"interrupted_by", json_or_null(outcome.interrupted_by)},
            {"wall_ns", outcome.usage.wall.count()},
            {"user_ns", outcome.usage.user.count()},
            {"system_ns", outcome.usage.system.count()},
            {"peak_memory_bytes", outcome.usage.peak_memory},
            {"leaks", engine::to_json(result.leaks)}};
}

engine::RunResult result_of(const Json& answer) {
    engine::RunResult result{
        .run = engine::RunId::parse(json_get<std::string>(answer, "run")).value(),
        .outcome = {},
        .log = json_get<std::string>(answer, "log")};
    const auto time = [&](const char* name) {
        return std::chrono::nanoseconds(json_get<std::int64_t>(answer, name));
    };
    result.outcome.code = json_get<int>(answer, "exit_code");
    result.outcome.timed_out = json_get<bool>(answer, "timed_out");
    result.outcome.interrupted_by = json_find<int>(answer, "interrupted_by");
    result.outcome.usage.wall = time("wall_ns");
    result.outcome.usage.user = time("user_ns");
    result.outcome.usage.system = time("system_ns");
    result.outcome.usage.peak_memory = json_get<std::uint64_t>(answer, "peak_memory_bytes");
    result.leaks = engine::leaks_from(json_get<Json>(answer, "leaks"));
    return result;
}

Json answer_from(const std::function<engine::RunResult()>& run) {
    try {
        return answer_of(run());
    } catch (const engine::Unavailable& error) {
        return {{"unavailable", error.message()}};
    } catch (const Error& error) {
        return {{"breakdown", error.message() + (error.hint().empty() ? "" : "; ") + error.hint()}};
    } catch (const std::exception& error) {
        return {{"breakdown", error.what()}};
    }
}

/// In the child. Signals that end us stay blocked, as data for who waits in there.
[[noreturn]] void be_fork(pid_t parent, const std::function<engine::RunResult()>& run, int answer) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == parent) {
        try {
            write_all(answer, dump_json(answer_from(run)));
        } catch (const Error&) {
            // Whoever would have read it is gone.
        }
    }
    ::_exit(0);
}

class Forks {
public:
    Forks(size_t count, const std::function<engine::RunResult()>& run)
        : m_count(count), m_run(run) {}
    Forks(const Forks&) = delete;
    Forks& operator=(const Forks&) = delete;
    ~Forks() { end(SIGKILL); }

    bool has_more() const { return m_started < m_count; }
    size_t running() const { return m_running.size(); }

    void start() {
        Pipe pipe = make_pipe();
        const pid_t parent = ::getpid();
        const pid_t pid = ::fork();
        if (pid < 0) {
            throw SysError(errno, "starting a fork of the test");
        }
        if (pid == 0) {
            be_fork(parent, m_run, pipe.writer.get());
        }
        m_running.push_back({++m_started, pid, std::move(pipe.reader), {}});
    }

    /// Until one of them has something to tell, or is done, or a signal comes.
    void wait(const EndSignals& signals) {
        std::vector<pollfd> fds = {{signals.fd(), POLLIN, 0}};
        for (const Running& one : m_running) {
            fds.push_back({one.answer.get(), POLLIN, 0});
        }
        while (::poll(fds.data(), fds.size(), -1) < 0) {
            if (errno != EINTR) {
                throw SysError(errno, "waiting for forks of the test");
            }
        }
        signals.check();
        for (size_t i = fds.size() - 1; i-- > 0;) {
            if (fds[i + 1].revents != 0 && !read_answer(m_running[i])) {
                Running done = std::move(m_running[i]);
                m_running.erase(m_running.begin() + static_cast<std::ptrdiff_t>(i));
                take_end(std::move(done));
            }
        }
    }

    /// They end what they run first.
    void end(int signal) {
        for (const Running& one : m_running) {
            ::kill(one.pid, signal);
        }
        for (const Running& one : m_running) {
            try {
                wait_for(one.pid);
            } catch (const Error&) {
                // It is not there any more, which was what we wanted.
            }
        }
        m_running.clear();
    }

    std::vector<TestFork> take() {
        std::ranges::sort(m_done, {}, &TestFork::number);
        return std::move(m_done);
    }

private:
    struct Running {
        size_t number;
        pid_t pid;
        Fd answer;
        std::string text;
    };

    /// False when that was all.
    static bool read_answer(Running& one) {
        std::string piece(k_piece_size, '\0');
        const size_t size = read_some(one.answer.get(), piece);
        one.text.append(piece, 0, size);
        return size > 0;
    }

    void take_end(Running one) {
        const ExitState end = wait_for(one.pid);
        TestFork fork{.number = one.number};
        if (!end.ok() || one.text.empty()) {
            fork.breakdown = "its process ended with " + end.describe();
        } else {
            const Json answer = parse_json(one.text, "a fork's answer");
            if (const auto reason = json_find<std::string>(answer, "unavailable")) {
                throw engine::Unavailable("{}", *reason);
            }
            fork.breakdown = json_find<std::string>(answer, "breakdown").value_or("");
            if (fork.breakdown.empty()) {
                fork.result = result_of(answer);
            }
        }
        m_done.push_back(std::move(fork));
    }

    size_t m_count;
    const std::function<engine::RunResult()>& m_run;
    size_t m_started = 0;
    std::vector<Running> m_running;
    std::vector<TestFork> m_done;
};

}  // namespace

std::string describe_end(const TestFork& fork) {
    if (!fork.result) {
        return "not run";
    }
    const engine::Outcome& outcome = fork.result->outcome;
    if (outcome.interrupted_by) {
        return fmt::format("interrupted by signal {}", *outcome.interrupted_by);
    }
    if (outcome.timed_out) {
        return "time-out";
    }
    if (outcome.ok() && !fork.result->leaks.empty()) {
        return fmt::format("secret '{}' in cache '{}'", fork.result->leaks.front().secret,
                           fork.result->leaks.front().cache);
    }
    const bool by_signal = outcome.code > 128 && outcome.code <= 128 + 64;
    return by_signal ? ExitState{{}, outcome.code - 128}.describe()
                     : ExitState{outcome.code, {}}.describe();
}

std::vector<TestFork> run_forks(size_t count, size_t at_once,
                                const std::function<engine::RunResult()>& run) {
    const EndSignals signals;
    Forks forks(count, run);
    while (forks.has_more() || forks.running() > 0) {
        while (forks.has_more() && forks.running() < at_once) {
            forks.start();
        }
        try {
            forks.wait(signals);
        } catch (const Interrupted& interrupt) {
            forks.end(interrupt.signal());
            throw;
        }
    }
    return forks.take();
}

}  // namespace mstage::pipeline
