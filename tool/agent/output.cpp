#include "agent/output.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace mstage::agent {

namespace {

constexpr size_t k_head_share = 4;  // of the limit, one part in so many
constexpr size_t k_longest_character = 4;

bool continues(char c) {
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

std::string_view without_broken_start(std::string_view text) {
    size_t start = 0;
    while (start < std::min(k_longest_character, text.size()) && continues(text[start])) {
        ++start;
    }
    return text.substr(start);
}

}  // namespace

std::string_view whole_characters(std::string_view text) {
    // The last byte that begins a character, if it is one of several bytes, says how many.
    for (size_t back = 1; back <= std::min(k_longest_character, text.size()); ++back) {
        const auto byte = static_cast<unsigned char>(text[text.size() - back]);
        if (continues(static_cast<char>(byte))) {
            continue;
        }
        const size_t wanted = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
        return wanted > back ? text.substr(0, text.size() - back) : text;
    }
    return text;
}

size_t kept_size(std::optional<size_t> wanted) {
    constexpr size_t k_at_least = 65536;
    return std::max(k_at_least, wanted.value_or(0));
}

void KeptOutput::add(std::string_view data) {
    m_size += data.size();
    const size_t head_limit = m_limit / k_head_share;
    if (m_head.size() < head_limit) {
        const size_t taken = std::min(head_limit - m_head.size(), data.size());
        m_head.append(data.substr(0, taken));
        data.remove_prefix(taken);
    }
    const size_t tail_limit = m_limit - head_limit;
    m_tail.append(data.substr(data.size() - std::min(data.size(), tail_limit)));
    // Not byte by byte: a long output comes in small pieces.
    if (m_tail.size() > 2 * tail_limit) {
        m_tail.erase(0, m_tail.size() - tail_limit);
    }
}

std::string KeptOutput::shown(size_t limit) const {
    limit = std::min(limit, m_limit);
    if (m_size <= limit) {
        return m_head + m_tail;
    }
    const std::string_view head =
        whole_characters(std::string_view(m_head).substr(0, limit / k_head_share));
    // What was short of the limit when it was kept may all be in one of the two.
    const std::string kept = m_head + m_tail;
    const size_t tail_size = std::min(limit - limit / k_head_share, kept.size() - head.size());
    const std::string_view tail =
        without_broken_start(std::string_view(kept).substr(kept.size() - tail_size));
    return fmt::format("{}\n[... {} bytes left out ...]\n{}", head,
                       m_size - head.size() - tail.size(), tail);
}

Json KeptOutput::to_json() const {
    // Bytes that are no UTF-8 are replaced here and not counted anew.
    return {{"limit", m_limit}, {"size", m_size}, {"head", m_head}, {"tail", m_tail}};
}

KeptOutput KeptOutput::from_json(const Json& json) {
    KeptOutput output(json_get<size_t>(json, "limit"));
    output.m_size = json_get<std::uint64_t>(json, "size");
    output.m_head = json_get<std::string>(json, "head");
    output.m_tail = json_get<std::string>(json, "tail");
    return output;
}

}  // namespace mstage::agent
