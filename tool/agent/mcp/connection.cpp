#include "agent/mcp/connection.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <climits>

#include "base/fd.hpp"

namespace mstage::agent {

bool Connection::read() {
    std::string piece(k_piece_size, '\0');
    const size_t count = read_some(m_input, piece);
    m_lines.add(std::string_view(piece).substr(0, count));
    return count > 0;
}

void Connection::send(const Json& message) {
    constexpr size_t k_most = 256 << 20;
    m_unsent += dump_json(message) + "\n";
    flush();
    m_is_broken = m_is_broken || m_unsent.size() > k_most;
}

void Connection::flush() {
    size_t sent = 0;
    pollfd fd{m_output, POLLOUT, 0};
    while (sent < m_unsent.size() && ::poll(&fd, 1, 0) == 1) {
        // That much a pipe that is ready takes at once.
        const ssize_t count = ::write(m_output, m_unsent.data() + sent,
                                      std::min<size_t>(m_unsent.size() - sent, PIPE_BUF));
        if (count < 0 && errno != EAGAIN && errno != EINTR) {
            m_is_broken = true;
            break;
        }
        sent += count > 0 ? static_cast<size_t>(count) : 0;
    }
    m_unsent.erase(0, sent);
}

}  // namespace mstage::agent
