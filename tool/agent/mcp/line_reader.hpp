#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mstage::agent {

/// Bytes as lines, which come in pieces. What is longer than the limit is skipped to its end.
class LineReader {
public:
    explicit LineReader(size_t limit) : m_limit(limit) {}

    struct Line {
        std::string text;  ///< without the line end; empty when it was too long
        bool too_long = false;
    };

    void add(std::string_view bytes);
    /// Nothing until a whole line has come, or one is too long.
    std::optional<Line> next();

private:
    size_t m_limit;
    std::string m_buffer;
    size_t m_searched = 0;  ///< of the buffer, where no line end is
    bool m_skipping = false;
};

}  // namespace mstage::agent
