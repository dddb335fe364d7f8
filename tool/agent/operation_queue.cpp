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

bool OperationQueue::is_unfinished(const std::string& id) const {
    return std::ranges::any_of(m_entries, [&](const Entry& entry) {
        return entry.operation.id == id && !entry.operation.has_ended();
    });
}

bool OperationQueue::knows(const std::string& id) const {
    return is_unfinished(id) || m_files.read(id, OperationFiles::Outputs::no).has_value();
}

std::optional<Operation> OperationQueue::find(const std::string& id) const {
    const auto uuid = Uuid::parse(id);
    for (const Entry& entry : m_entries) {
        if (uuid && entry.operation.id == uuid->str()) {
            return entry.operation;
        }
    }
    return m_files.read(id);
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
    is_written(entry.operation);
    entry.began = Clock::now();
    if (entry.tool->ends == OperationTool::Ends::by_server) {
        entry.deadline =
            entry.began + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(
                              json_get<double>(entry.arguments, "timeout")));
    }
    try {
        entry.job = Job::start([&](const Report& report) {
            return entry.tool->work(m_settings, entry.arguments, entry.operation.id, report);
        });
    } catch (const Error& error) {
        entry.operation.status = Status::failed;
        entry.operation.failure = failure_of(error);
        m_events.push_back({entry.operation.id, std::nullopt});
    }
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
    const bool was_ended = operation.answer.is_object() && operation.answer.contains("ended_by");
    if (was_ended) {
        operation.answer.erase("ended_by");
    }
    if (operation.cancel_asked && (was_ended || operation.answer.is_null())) {
        operation.status = Status::cancelled;
        operation.failure = {};
    } else if (entry.time_is_up && (was_ended || operation.answer.is_null())) {
        operation.status = Status::failed;
        operation.failure = {
            fmt::format("its time was up after {} s", json_get<double>(entry.arguments, "timeout")),
            "give it another timeout"};
    } else if (operation.answer.is_object() && !was_ended) {
        // A run that was made is one, whatever its command said; a build that failed is none.
        const bool is_good = entry.tool->name == "run" ||
                             json_find<int>(operation.answer, "exit_code").value_or(0) == 0;
        operation.status = is_good ? Status::success : Status::failed;
    } else {
        operation.status = Status::failed;
        if (was_ended) {
            operation.failure = {"it was ended by a signal", "run it again"};
        }
    }
    entry.job.reset();
    m_events.push_back({operation.id, std::nullopt});
}

bool OperationQueue::is_written(const Operation& operation) const {
    try {
        m_files.write(operation);
        return true;
    } catch (const Error&) {
        return false;  // a full disk: it stays with us
    }
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
    std::erase_if(m_entries, [&](const Entry& entry) {
        return entry.operation.has_ended() && is_written(entry.operation);
    });
    const auto runs = [](const Entry& entry) { return entry.job.has_value(); };
    auto running = static_cast<size_t>(std::ranges::count_if(m_entries, runs));
    for (Entry& entry : m_entries) {
        if (entry.operation.status == Status::pending && running < m_settings.jobs) {
            begin(entry);
            ++running;
        }
    }
}

void OperationQueue::end_all() {
    for (const Operation& operation : unfinished()) {
        cancel(operation.id);
    }
    for (step(); !unfinished().empty(); step()) {
        std::vector<pollfd> waits;
        for (const int fd : fds()) {
            waits.push_back({fd, POLLIN, 0});
        }
        constexpr int k_look_again = 200;  // ms, for those that are to be killed
        ::poll(waits.data(), waits.size(), k_look_again);
    }
}

}  // namespace mstage::agent
