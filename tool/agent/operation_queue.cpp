#include "agent/operation_queue.hpp"

#include <poll.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/uuid.hpp"

namespace mstage::agent {

namespace {

/// What a run that is asked to end may take, until it is killed.
constexpr auto k_grace = std::chrono::seconds(10);

}  // namespace

OperationQueue::OperationQueue(const Settings& settings)
    : m_settings(settings), m_files(settings.state_dir / "operations") {
    m_files.prune();
}

std::string OperationQueue::add(const OperationTool& tool, Json arguments) {
    Operation operation{.id = Uuid::generate().str(), .type = tool.name, .request = Json::object()};
    operation.created = std::chrono::system_clock::now();
    for (const std::string& name : tool.told) {
        operation.request[name] = arguments[name];
    }
    m_entries.push_back({std::move(operation), &tool, std::move(arguments)});
    return m_entries.back().operation.id;
}

std::optional<Operation> OperationQueue::find(const std::string& id) const {
    const auto entry =
        std::ranges::find(m_entries, id, [](const Entry& one) { return one.operation.id; });
    return entry != m_entries.end() ? entry->operation : m_files.read(id);
}

std::vector<Operation> OperationQueue::unfinished() const {
    std::vector<Operation> operations;
    for (const Entry& entry : m_entries) {
        if (!entry.operation.has_ended()) {
            operations.insert(operations.begin(), entry.operation);
        }
    }
    return operations;
}

void OperationQueue::cancel(const std::string& id) {
    for (Entry& entry : m_entries) {
        if (entry.operation.id == id && !entry.operation.has_ended()) {
            entry.operation.cancel_asked = true;
            if (entry.job) {
                ask_to_end(entry);
            } else {
                finish(entry);
            }
        }
    }
}

void OperationQueue::ask_to_end(Entry& entry) {
    if (!entry.kill_at) {
        entry.job->ask_to_end();
        entry.kill_at = Clock::now() + k_grace;
    }
}

std::vector<int> OperationQueue::fds() const {
    std::vector<int> fds;
    for (const Entry& entry : m_entries) {
        if (entry.job) {
            fds.push_back(entry.job->fd());
        }
    }
    return fds;
}

std::optional<OperationQueue::Clock::time_point> OperationQueue::next_deadline() const {
    std::optional<Clock::time_point> next;
    for (const Entry& entry : m_entries) {
        const auto& time = entry.kill_at ? entry.kill_at : entry.deadline;
        if (entry.job && time) {
            next = std::min(next.value_or(*time), *time);
        }
    }
    return next;
}

void OperationQueue::begin(Entry& entry) {
    entry.operation.status = Status::executing;
    entry.began = Clock::now();
    if (entry.tool->ends == OperationTool::Ends::by_server) {
        entry.deadline =
            entry.began + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(
                              json_get<double>(entry.arguments, "timeout")));
    }
    entry.job = Job::start([&](const Report& report) {
        return entry.tool->work(m_settings, entry.arguments, entry.operation.id, report);
    });
}

void OperationQueue::check_time(Entry& entry, Clock::time_point now) {
    if (entry.kill_at && now >= *entry.kill_at) {
        entry.job->kill();
    } else if (entry.deadline && now >= *entry.deadline) {
        entry.time_is_up = true;
        ask_to_end(entry);
    }
}

void OperationQueue::finish(Entry& entry) {
    Operation& operation = entry.operation;
    if (entry.job) {
        operation.duration_s = std::chrono::duration<double>(Clock::now() - entry.began).count();
        operation.answer = entry.job->answer().value_or(Json());
        operation.failure = entry.job->failure();
    }
    if (operation.answer.is_object()) {
        // A run that was made is one, whatever its command said; a build that failed is none.
        const bool is_good = entry.tool->name == "run" ||
                             json_find<int>(operation.answer, "exit_code").value_or(0) == 0;
        operation.status = is_good ? Status::success : Status::failed;
    } else if (operation.cancel_asked) {
        operation.status = Status::cancelled;
        operation.failure = {};
    } else {
        operation.status = Status::failed;
        if (entry.time_is_up) {
            operation.failure = {fmt::format("its time was up after {} s",
                                             json_get<double>(entry.arguments, "timeout")),
                                 "give it another timeout"};
        }
    }
    entry.job.reset();
    m_events.push_back({operation.id, std::nullopt});
}

void OperationQueue::step() {
    const auto now = Clock::now();
    for (Entry& entry : m_entries) {
        if (!entry.job) {
            continue;
        }
        check_time(entry, now);
        const bool runs = entry.job->take();
        if (auto line = entry.job->take_line()) {
            m_events.push_back({entry.operation.id, std::move(*line)});
        }
        if (!runs) {
            finish(entry);
        }
    }
    // What has ended is in its file, where every server finds it.
    std::erase_if(m_entries, [&](const Entry& entry) {
        if (entry.operation.has_ended()) {
            m_files.write(entry.operation);
        }
        return entry.operation.has_ended();
    });
    const auto runs = [](const Entry& entry) { return entry.job.has_value(); };
    auto running = static_cast<size_t>(std::ranges::count_if(m_entries, runs));
    for (Entry& entry : m_entries) {
        if (!entry.job && running < m_settings.jobs) {
            begin(entry);
            ++running;
        }
    }
}

std::optional<double> OperationQueue::seconds_of(const std::string& id) const {
    for (const Entry& entry : m_entries) {
        if (entry.operation.id == id && entry.job) {
            return std::chrono::duration<double>(Clock::now() - entry.began).count();
        }
    }
    return std::nullopt;
}

void OperationQueue::end_all() {
    for (const Operation& operation : unfinished()) {
        cancel(operation.id);
    }
    for (step(); !m_entries.empty(); step()) {
        std::vector<pollfd> waits;
        for (const int fd : fds()) {
            waits.push_back({fd, POLLIN, 0});
        }
        constexpr int k_look_again = 200;  // ms, for those that are to be killed
        ::poll(waits.data(), waits.size(), k_look_again);
    }
}

}  // namespace mstage::agent
