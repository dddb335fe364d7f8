#include "pipeline/report/trace.hpp"

#include <algorithm>

namespace mstage::pipeline {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

/// Things that overlap on lanes on which they don't: each on the first that is free.
class Lanes {
public:
    size_t take(TimePoint start, TimePoint end) {
        const auto free =
            std::ranges::find_if(m_ends, [&](TimePoint taken) { return taken <= start; });
        const auto lane = static_cast<size_t>(free - m_ends.begin());
        if (free == m_ends.end()) {
            m_ends.push_back(end);
        } else {
            *free = end;
        }
        return lane;
    }
    size_t count() const noexcept { return m_ends.size(); }

private:
    std::vector<TimePoint> m_ends;
};

TimePoint start_of(const TestRun& test) {
    return test.time - duration_cast<TimePoint::duration>(test.outcome.usage.wall);
}

class Trace {
public:
    explicit Trace(TimePoint zero) : m_zero(zero) {}

    void add(const TracedPipeline& pipeline) {
        ++m_pid;
        m_tid = 0;
        metadata("process_name", 0, {{"name", pipeline.name}});
        for (const TracedStage& stage : pipeline.stages) {
            add_stage(stage);
        }
        add_tests(pipeline.tests);
    }

    Json take_events() { return std::move(m_events); }

private:
    void metadata(const char* name, int tid, Json arguments) {
        m_events.push_back({{"ph", "M"},
                            {"name", name},
                            {"pid", m_pid},
                            {"tid", tid},
                            {"args", std::move(arguments)}});
    }

    int add_thread(const std::string& name) {
        ++m_tid;
        metadata("thread_name", m_tid, {{"name", name}});
        metadata("thread_sort_index", m_tid, {{"sort_index", m_tid}});
        return m_tid;
    }

    /// Ends are rounded as starts are, so that what lies within another still does.
    void event(const std::string& name, const char* category, int tid, TimePoint start,
               TimePoint end, Json arguments) {
        const auto since = [&](TimePoint time) {
            return duration_cast<microseconds>(time - m_zero).count();
        };
        m_events.push_back({{"ph", "X"},
                            {"name", name},
                            {"cat", category},
                            {"pid", m_pid},
                            {"tid", tid},
                            {"ts", since(start)},
                            {"dur", since(end) - since(start)},
                            {"args", std::move(arguments)}});
    }

    void add_stage(const TracedStage& stage) {
        const HistoryEntry& entry = stage.entry;
        const TimeSpan span = *span_of(entry);
        const int tid = add_thread(entry.checkpoint);
        event(entry.checkpoint, "stage", tid, span.start, span.end,
              {{"event", to_string(entry.event)},
               {"image", json_or_null(entry.image)},
               {"run", json_or_null(entry.run)},
               {"command", stage.command}});
        for (const engine::Phase& phase : entry.phases) {
            event(phase.name, "phase", tid, phase.start, phase.start + phase.duration,
                  Json::object());
        }
        for (const InnerBuild& build : stage.inner) {
            add_inner_build(entry.checkpoint, build);
        }
    }

    void add_inner_build(const std::string& checkpoint, const InnerBuild& build) {
        Lanes lanes;
        const int first_tid = m_tid + 1;
        for (const NinjaStep& step : build.steps) {
            const TimePoint end = step.start + step.duration;
            const int tid = first_tid + static_cast<int>(lanes.take(step.start, end));
            event(step.output, "ninja", tid, step.start, end,
                  {{"outputs", step.outputs}, {"log", build.log}});
        }
        for (size_t lane = 1; lane <= lanes.count(); ++lane) {
            add_thread(fmt::format("{}: ninja {}", checkpoint, lane));
        }
    }

    void add_tests(const std::vector<TestRun>& tests) {
        Lanes lanes;
        const int first_tid = m_tid + 1;
        std::vector<TestRun> by_start = tests;
        std::ranges::stable_sort(by_start, {}, start_of);
        for (const TestRun& test : by_start) {
            const int tid = first_tid + static_cast<int>(lanes.take(start_of(test), test.time));
            event(test.test, "test", tid, start_of(test), test.time,
                  {{"passed", test.passed},
                   {"exit_code", test.outcome.code},
                   {"image", test.image.str()},
                   {"run", test.run.str()}});
        }
        for (size_t lane = 1; lane <= lanes.count(); ++lane) {
            add_thread(fmt::format("tests {}", lane));
        }
    }

    TimePoint m_zero;
    int m_pid = 0;
    int m_tid = 0;
    Json m_events = Json::array();
};

TimePoint first_start(const std::vector<TracedPipeline>& pipelines) {
    TimePoint first = TimePoint::max();
    for (const TracedPipeline& pipeline : pipelines) {
        for (const TracedStage& stage : pipeline.stages) {
            first = std::min(first, span_of(stage.entry)->start);
        }
        for (const TestRun& test : pipeline.tests) {
            first = std::min(first, start_of(test));
        }
    }
    return first == TimePoint::max() ? TimePoint{} : first;
}

}  // namespace

Json make_trace(const std::vector<TracedPipeline>& pipelines) {
    const TimePoint zero = first_start(pipelines);
    Trace trace(zero);
    for (const TracedPipeline& pipeline : pipelines) {
        trace.add(pipeline);
    }
    return {{"traceEvents", trace.take_events()},
            {"displayTimeUnit", "ms"},
            {"otherData", {{"start", format_time(zero)}}}};
}

}  // namespace mstage::pipeline
