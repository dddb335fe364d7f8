#include "agent/mcp/line_reader.hpp"

namespace mstage::agent {

void LineReader::add(std::string_view bytes) {
    m_buffer.append(bytes);
}

std::optional<LineReader::Line> LineReader::next() {
    const size_t end = m_buffer.find('\n', m_searched);
    const bool is_whole = end != std::string::npos;
    if (m_skipping) {
        m_buffer.erase(0, is_whole ? end + 1 : m_buffer.size());
        m_searched = 0;
        m_skipping = !is_whole;
        return is_whole ? next() : std::nullopt;
    }
    if (!is_whole && m_buffer.size() <= m_limit) {
        m_searched = m_buffer.size();
        return std::nullopt;
    }
    m_searched = 0;
    if (!is_whole || end > m_limit) {
        m_buffer.erase(0, is_whole ? end + 1 : m_buffer.size());
        m_skipping = !is_whole;
        return Line{.text = "", .too_long = true};
    }
    Line line{.text = m_buffer.substr(0, end)};
    m_buffer.erase(0, end + 1);
    if (line.text.ends_with('\r')) {
        line.text.pop_back();
    }
    return line;
}

}  // namespace mstage::agent
