#pragma once

#include <optional>
#include <string>

#include "agent/mcp/line_reader.hpp"
#include "base/json.hpp"

namespace mstage::agent {

/// Longer ones are not read.
inline constexpr size_t k_longest_message = 32 << 20;

/// The client at the other end: messages come and go in lines, and nothing here waits for it.
class Connection {
public:
    Connection(int input, int output) : m_input(input), m_output(output) {}

    int input() const noexcept { return m_input; }
    int output() const noexcept { return m_output; }

    /// Takes what has come, for next_line(). False when that was the end.
    bool read();
    std::optional<LineReader::Line> next_line() { return m_lines.next(); }

    void send(const Json& message);
    bool has_unsent() const noexcept { return !m_unsent.empty(); }
    /// As much as the client takes without a wait.
    void flush();
    /// Nobody reads what is sent any more.
    bool is_broken() const noexcept { return m_is_broken; }

private:
    int m_input;
    int m_output;
    LineReader m_lines{k_longest_message};
    std::string m_unsent;
    bool m_is_broken = false;
};

}  // namespace mstage::agent
