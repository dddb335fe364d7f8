#include "pipeline/running.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file_end.hpp"
#include "base/json.hpp"
#include "pipeline/history.hpp"

namespace mstage::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr int k_version = 1;
constexpr size_t k_asked_runs = 9;  ///< for what is usual
constexpr size_t k_longest_line = 4096;
constexpr size_t k_longest_file = 65536;
constexpr int k_attempts = 10;

double seconds(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}

std::chrono::nanoseconds nanoseconds(double seconds) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(seconds));
}

RunningStage parse(const std::string& checkpoint, const std::string& text) {
    const Json json = parse_json(text, "what runs");
    RunningStage stage{.checkpoint = checkpoint,
                       .started = parse_time(json_get<std::string>(json, "started"))};
    if (const auto expected = json_find<double>(json, "expected_s")) {
        stage.expected = nanoseconds(*expected);
    }
    if (const auto run = json_find<std::string>(json, "run")) {
        stage.run = engine::RunId::parse(*run);
    }
    stage.log = json_find<std::string>(json, "log").value_or("");
    return stage;
}

}  // namespace

RunningMark::RunningMark(const Plan& plan, const std::string& checkpoint)
    : m_stage{.checkpoint = checkpoint, .started = std::chrono::system_clock::now()} {
    try {
        m_stage.expected = usual_duration(plan, checkpoint);
        // Two builds may be at work in one build tree: the first one is shown.
        // Who looks at it holds it for a moment.
        for (int attempt = 0; attempt < k_attempts && !m_lock; ++attempt) {
            ::usleep(attempt == 0 ? 0 : 1000);
            m_lock = FileLock::try_acquire(plan.running_path(checkpoint), LockMode::exclusive);
        }
    } catch (const Error&) {
        // Nobody will see it run.
    }
    write();
}

RunningMark::~RunningMark() {
    if (m_lock) {
        m_lock->remove_and_release();
    }
}

void RunningMark::set_run(const engine::RunId& run, const fs::path& log) {
    m_stage.run = run;
    m_stage.log = log;
    write();
}

void RunningMark::write() const {
    if (!m_lock) {
        return;
    }
    const std::string text = dump_json_indented(
        {{"version", k_version},
         {"started", format_time(m_stage.started)},
         {"expected_s", m_stage.expected ? Json(seconds(*m_stage.expected)) : Json()},
         {"run", json_or_null(m_stage.run)},
         {"log", m_stage.log.empty() ? Json() : Json(m_stage.log.native())}});
    [[maybe_unused]] const ssize_t written = ::pwrite(m_lock->fd(), text.data(), text.size(), 0);
    [[maybe_unused]] const int cut = ::ftruncate(m_lock->fd(), static_cast<off_t>(text.size()));
}

std::optional<RunningStage> read_running(const Plan& plan, const std::string& checkpoint) {
    const Fd file(::open(plan.running_path(checkpoint).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file || ::flock(file.get(), LOCK_SH | LOCK_NB) == 0) {
        return std::nullopt;
    }
    for (int attempt = 0; attempt < k_attempts; ++attempt) {
        // In one piece: it may be written anew while we read.
        std::string text(k_longest_file, '\0');
        text.resize(static_cast<size_t>(
            std::max<ssize_t>(0, ::pread(file.get(), text.data(), text.size(), 0))));
        try {
            return parse(checkpoint, text);
        } catch (const Error&) {
            ::usleep(1000);
        }
    }
    struct stat info {};
    ::fstat(file.get(), &info);
    return RunningStage{.checkpoint = checkpoint,
                        .started = std::chrono::system_clock::from_time_t(info.st_mtime)};
}

std::optional<std::chrono::nanoseconds> usual_duration(const Plan& plan,
                                                       const std::string& checkpoint) {
    std::vector<double> durations;
    for (const HistoryEntry& entry : read_history(plan, checkpoint)) {
        const bool is_good =
            entry.event == HistoryEvent::ran || entry.event == HistoryEvent::imported;
        if (is_good && entry.duration_s) {
            durations.push_back(*entry.duration_s);
        }
    }
    if (durations.empty()) {
        return std::nullopt;
    }
    const size_t count = std::min(durations.size(), k_asked_runs);
    durations.erase(durations.begin(), durations.end() - static_cast<std::ptrdiff_t>(count));
    const auto middle = durations.begin() + static_cast<std::ptrdiff_t>(count / 2);
    std::ranges::nth_element(durations, middle);
    return nanoseconds(*middle);
}

std::string last_line_of(const fs::path& log) {
    std::string text;
    try {
        text = log.empty() ? "" : read_end_of_file(log, k_longest_line);
    } catch (const Error&) {
        return "";
    }
    std::ranges::replace(text, '\r', '\n');
    std::string last;
    for (std::string& line : split(text, '\n')) {
        if (line.find_first_not_of(" \t") != std::string::npos) {
            last = std::move(line);
        }
    }
    std::ranges::replace(last, '\t', ' ');
    return escape_control(last);
}

}  // namespace mstage::pipeline
