#include "engine/phases.hpp"

namespace mstage::engine {

Json to_json(const std::vector<Phase>& phases) {
    Json list = Json::array();
    for (const Phase& phase : phases) {
        list.push_back({{"name", phase.name},
                        {"start", format_time(phase.start)},
                        {"duration_s", std::chrono::duration<double>(phase.duration).count()}});
    }
    return list;
}

std::vector<Phase> phases_from_json(const Json& json) {
    std::vector<Phase> phases;
    for (const Json& item : json) {
        const std::chrono::duration<double> duration(json_get<double>(item, "duration_s"));
        phases.push_back({json_get<std::string>(item, "name"),
                          parse_time(json_get<std::string>(item, "start")),
                          std::chrono::round<std::chrono::nanoseconds>(duration)});
    }
    return phases;
}

void PhaseTimer::end(const std::string& name, Clock::time_point at) {
    const auto offset = std::chrono::duration_cast<TimePoint::duration>(m_end_of_last - m_zero);
    m_phases.push_back({name, m_started + offset, at - m_end_of_last});
    m_end_of_last = at;
}

void PhaseTimer::go_on_from(std::vector<Phase> phases) {
    m_phases = std::move(phases);
    m_end_of_last = Clock::now();
}

void PhaseTimer::extend_last() {
    const auto now = Clock::now();
    m_phases.back().duration += now - m_end_of_last;
    m_end_of_last = now;
}

}  // namespace mstage::engine
