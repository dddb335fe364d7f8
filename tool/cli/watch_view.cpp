#include "cli/watch_view.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "base/text.hpp"
#include "cli/output.hpp"
#include "cli/terminal.hpp"

namespace mstage::cli {

namespace {

using pipeline::BuildWatcher;
using std::chrono::milliseconds;

std::string line_of(const BuildWatcher::Event& event) {
    const std::string line = event.full_name + ": " + pipeline::describe(event);
    const bool is_bad = !event.entry || event.entry->event == pipeline::HistoryEvent::failed;
    return is_bad ? coloured(line, Colour::red) : line;
}

/// "0:12", "1:02:03": what changes its unit cannot be read as it goes.
std::string clock_text(std::chrono::seconds time) {
    const auto hours = time.count() / 3600;
    const auto minutes = time.count() / 60 % 60;
    const auto seconds = time.count() % 60;
    return hours > 0 ? fmt::format("{}:{:02}:{:02}", hours, minutes, seconds)
                     : fmt::format("{}:{:02}", minutes, seconds);
}

/// Lines that stay. What is over before anybody could have looked is told by its end alone.
class LineView : public WatchView {
public:
    void show(const BuildWatcher::Look& look) override {
        if (std::exchange(m_is_first, false) && look.running.empty()) {
            print_error_line("mstage: no stage is being made; waiting for one (Ctrl-C ends)");
        }
        for (const BuildWatcher::Event& event : look.events) {
            print_line(line_of(event));
        }
        const TimePoint now = std::chrono::system_clock::now();
        std::map<std::string, TimePoint> next;
        for (const BuildWatcher::Running& one : look.running) {
            const std::string id = one.full_name + " " + format_time(one.stage.started);
            const auto known = m_next.find(id);
            TimePoint due = known == m_next.end() ? one.stage.started + k_first : known->second;
            if (due <= now) {
                print_line(line_about(one, now));
                due = now + k_later;
            }
            next[id] = due;
        }
        m_next = std::move(next);
    }

    std::optional<milliseconds> wants_next() const override {
        if (m_next.empty()) {
            return std::nullopt;
        }
        const auto first =
            std::ranges::min_element(m_next, {}, [](const auto& entry) { return entry.second; });
        const auto wait =
            std::chrono::ceil<milliseconds>(first->second - std::chrono::system_clock::now());
        return std::max(wait, milliseconds(0));
    }

private:
    static constexpr milliseconds k_first{300};
    static constexpr milliseconds k_later{10'000};

    static std::string line_about(const BuildWatcher::Running& one, TimePoint now) {
        const std::string last = pipeline::last_line_of(one.stage.log);
        return fmt::format("{}: running, {}{}", one.full_name, progress_of(one.stage, now),
                           last.empty() ? "" : ": " + last);
    }

    bool m_is_first = true;
    std::map<std::string, TimePoint> m_next;  ///< when each stage is told of again
};

/// One line per stage at the end of the terminal, drawn anew each second in one write.
class TerminalView : public WatchView {
public:
    ~TerminalView() override {
        try {
            print(erasure());
        } catch (const Error&) {
            // There is nothing left to tidy up.
        }
    }

    void show(const BuildWatcher::Look& look) override {
        std::string frame = erasure();
        for (const BuildWatcher::Event& event : look.events) {
            frame += line_of(event) + "\n";
        }
        m_lines.clear();
        const TimePoint now = std::chrono::system_clock::now();
        // The last column is left free: terminals differ in what a full line does.
        const size_t width = std::max<size_t>(2, terminal_width().value_or(80)) - 1;
        const size_t height = std::max<size_t>(3, terminal_height()) - 2;
        const size_t shown = std::min(look.running.size(), height);
        for (size_t i = 0; i < shown; ++i) {
            add(frame, cut_to_width(line_about(look.running[i], now), width));
        }
        if (look.running.size() > shown) {
            add(frame,
                cut_to_width(fmt::format("and {} more", look.running.size() - shown), width));
        }
        if (look.running.empty()) {
            add(frame, cut_to_width("nothing is running; Ctrl-C ends", width));
        }
        print(frame);
        m_is_running = !look.running.empty();
    }

    std::optional<milliseconds> wants_next() const override {
        return m_is_running ? std::optional(milliseconds(1000)) : std::nullopt;
    }

private:
    static std::string line_about(const BuildWatcher::Running& one, TimePoint now) {
        const std::string last = pipeline::last_line_of(one.stage.log);
        return fmt::format("{}  {}{}", one.full_name, progress_of(one.stage, now),
                           last.empty() ? "" : " | " + last);
    }

    void add(std::string& frame, const std::string& line) {
        frame += line + "\x1b[K\n";
        m_lines.push_back(line);
    }

    /// Back to where the last frame began. One that has become narrower may have broken its lines.
    std::string erasure() const {
        const size_t width = std::max<size_t>(1, terminal_width().value_or(80));
        size_t rows = 0;
        for (const std::string& line : m_lines) {
            rows += std::max<size_t>(1, (display_width(line) + width - 1) / width);
        }
        return rows == 0 ? "" : fmt::format("\r\x1b[{}A\x1b[J", rows);
    }

    std::vector<std::string> m_lines;  ///< of the last frame
    bool m_is_running = false;
};

}  // namespace

std::unique_ptr<WatchView> make_watch_view() {
    if (is_terminal()) {
        return std::make_unique<TerminalView>();
    }
    return std::make_unique<LineView>();
}

std::string progress_of(const pipeline::RunningStage& stage, TimePoint now) {
    const auto elapsed = std::max(now - stage.started, TimePoint::duration(0));
    std::string text = clock_text(std::chrono::floor<std::chrono::seconds>(elapsed));
    if (stage.expected) {
        text += " of about " + clock_text(std::chrono::ceil<std::chrono::seconds>(*stage.expected));
    }
    return text;
}

}  // namespace mstage::cli
