#include "agent/job.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

#include "base/error.hpp"
#include "base/process.hpp"

namespace mstage::agent {

namespace {

constexpr size_t k_longest_line = 400;  // of what is told; more is of no use to anybody

/// A request on stdin is not for the job, and nothing that it prints is an answer.
void leave_the_protocol() {
    const Fd null = open_fd("/dev/null", O_RDONLY);
    ::dup2(null.get(), STDIN_FILENO);
    ::dup2(STDERR_FILENO, STDOUT_FILENO);
}

Json answer_or_failure(const Work& work, const Report& report) {
    try {
        return {{"answer", work(report)}};
    } catch (const std::exception& exception) {
        const Failure failure = failure_of(exception);
        return {{"failure", failure.message}, {"hint", failure.hint}};
    }
}

/// In the child. Nothing of the parent's may be destroyed here.
[[noreturn]] void be_job(pid_t parent, const Work& work, int messages) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == parent) {
        try {
            reset_signals_for_child();
            ::signal(SIGPIPE, SIG_IGN);
            leave_the_protocol();
            const Report report = [&](std::string_view line) {
                const Json message = {{"line", line.substr(0, k_longest_line)}};
                write_all(messages, dump_json(message) + "\n");
            };
            write_all(messages, dump_json(answer_or_failure(work, report)) + "\n");
        } catch (const std::exception&) {
            // Whoever would have read it is gone.
        }
    }
    ::_exit(0);
}

}  // namespace

Failure failure_of(const std::exception& exception) {
    if (const auto* error = dynamic_cast<const Error*>(&exception)) {
        return {error->message(), error->hint()};
    }
    return {exception.what()};
}

Job Job::start(const Work& work) {
    Pipe pipe = make_pipe();
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) {
        throw SysError(errno, "starting a process");
    }
    if (pid == 0) {
        be_job(parent, work, pipe.writer.get());
    }
    ::fcntl(pipe.reader.get(), F_SETFL, O_NONBLOCK);
    return {pid, std::move(pipe.reader)};
}

Job::~Job() {
    if (m_pid.value > 0) {
        kill();
        try {
            wait_for(m_pid.value);
        } catch (const Error&) {
            // Nothing is left to wait for.
        }
    }
}

void Job::ask_to_end() const {
    if (m_pid.value > 0) {
        ::kill(m_pid.value, SIGTERM);
    }
}

void Job::kill() const {
    if (m_pid.value > 0) {
        ::kill(m_pid.value, SIGKILL);
    }
}

bool Job::take() {
    std::string piece(k_piece_size, '\0');
    for (;;) {
        const ssize_t count = ::read(m_messages.get(), piece.data(), piece.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0 && errno == EAGAIN) {
            return true;
        }
        if (count <= 0) {
            break;
        }
        m_buffer.append(piece, 0, static_cast<size_t>(count));
        for (size_t end = m_buffer.find('\n'); end != std::string::npos;
             end = m_buffer.find('\n')) {
            take_message(m_buffer.substr(0, end));
            m_buffer.erase(0, end + 1);
        }
    }
    const ExitState end = wait_for(std::exchange(m_pid.value, -1));
    if (!m_answer && m_failure.message.empty()) {
        m_failure.message = "its process ended with " + end.describe();
    }
    return false;
}

void Job::take_message(const std::string& text) {
    const Json message = parse_json(text, "a job's message");
    if (const auto line = json_find<std::string>(message, "line")) {
        m_line = line;
    } else if (message.contains("answer")) {
        m_answer = message["answer"];
    } else {
        m_failure = {json_get<std::string>(message, "failure"),
                     json_find<std::string>(message, "hint").value_or("")};
    }
}

}  // namespace mstage::agent
