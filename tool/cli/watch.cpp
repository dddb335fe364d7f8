#include <poll.h>
#include <unistd.h>

#include "base/end_signals.hpp"
#include "base/error.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"
#include "cli/watch_view.hpp"

namespace mstage::cli {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// Between two stages of a build nothing runs for a moment, or for as long as the scan takes.
constexpr milliseconds k_end_of_build{2000};

class Watch {
public:
    Watch(const pipeline::BuildTree& tree, bool until_idle)
        : m_until_idle(until_idle), m_watcher(tree), m_view(make_watch_view()) {}

    int run() {
        while (true) {
            m_watcher.forget_changes();
            const pipeline::BuildWatcher::Look look = m_watcher.look();
            m_view->show(look);
            note_activity(look);
            if (is_over()) {
                return k_good;
            }
            if (const auto signal = wait()) {
                return k_signal_base + *signal;
            }
        }
    }

private:
    void note_activity(const pipeline::BuildWatcher::Look& look) {
        if (!look.running.empty()) {
            m_idle_since.reset();
            m_has_run = true;
        } else if (m_has_run || !look.events.empty()) {
            m_has_run = true;
            if (!m_idle_since || !look.events.empty()) {
                m_idle_since = Clock::now();
            }
        }
    }

    bool is_over() const {
        return m_until_idle && m_idle_since && Clock::now() - *m_idle_since >= k_end_of_build;
    }

    /// Until there is something to show. A signal that wants us to end is returned.
    std::optional<int> wait() const {
        pollfd fds[] = {
            {m_watcher.fd(), POLLIN, 0}, {m_signals.fd(), POLLIN, 0}, {STDOUT_FILENO, 0, 0}};
        int timeout = -1;
        if (const auto next = m_view->wants_next()) {
            timeout = static_cast<int>(next->count());
        }
        if (m_until_idle && m_idle_since) {
            const auto left =
                std::chrono::ceil<milliseconds>(*m_idle_since + k_end_of_build - Clock::now());
            timeout = static_cast<int>(std::max(left, milliseconds(0)).count());
        }
        if (::poll(fds, 3, timeout) < 0 && errno != EINTR) {
            throw SysError(errno, "waiting for a build");
        }
        if ((fds[2].revents & (POLLERR | POLLHUP)) != 0) {
            throw OutputClosed();
        }
        return m_signals.take();
    }

    bool m_until_idle;
    EndSignals m_signals;
    pipeline::BuildWatcher m_watcher;
    std::unique_ptr<WatchView> m_view;
    bool m_has_run = false;
    std::optional<Clock::time_point> m_idle_since;
};

int show_once(const pipeline::BuildTree& tree) {
    const TimePoint now = std::chrono::system_clock::now();
    const auto look = pipeline::BuildWatcher(tree).look();
    for (const auto& one : look.running) {
        const std::string last = pipeline::last_line_of(one.stage.log);
        print_line(fmt::format("{}: running, {}{}", one.full_name, progress_of(one.stage, now),
                               last.empty() ? "" : ": " + last));
    }
    if (look.running.empty()) {
        print_line("nothing is running");
    }
    return k_good;
}

}  // namespace

int run_watch(const Arguments& arguments) {
    VerbParser parser("watch");
    bool once = false;
    bool until_idle = false;
    parser.footer(
        "Shows each stage that is being made: how long already, how long it takes mostly, and the\n"
        "last line of its output; and what becomes of it. Without options it goes on until "
        "Ctrl-C,\n"
        "from build to build.");
    parser.flag("--once", once, "Show what runs now, and end");
    parser.flag("--until-idle", until_idle,
                "Wait for a stage, and end when none has run for two seconds");
    if (!parser.read(arguments)) {
        return k_good;
    }
    if (once && until_idle) {
        throw UsageError("mstage watch: --once does not wait, so not --until-idle either");
    }
    const Workplace place(parser.common);
    const pipeline::BuildTree& tree = place.build_tree();
    return once ? show_once(tree) : Watch(tree, until_idle).run();
}

}  // namespace mstage::cli
