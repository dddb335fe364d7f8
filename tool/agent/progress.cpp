#include "agent/progress.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace mstage::agent {

void Progress::add(std::string_view data) {
    constexpr size_t k_longest = 4096;
    constexpr auto k_pause = std::chrono::milliseconds(500);
    m_text.append(data.substr(data.size() - std::min(data.size(), k_longest)));
    const size_t end = m_text.rfind('\n');
    const auto now = std::chrono::steady_clock::now();
    if (end == std::string::npos || now - m_told < k_pause) {
        m_text.erase(0, m_text.size() - std::min(m_text.size(), k_longest));
        return;
    }
    const std::string line = last_lines(std::string_view(m_text).substr(0, end), 1);
    m_text.erase(0, end + 1);
    if (line.find_first_not_of(" \t\r\n") != std::string::npos) {
        m_told = now;
        m_report(escape_control(line));
    }
}

}  // namespace mstage::agent
