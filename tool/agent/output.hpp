#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace mstage::agent {

/// So much is kept of an output when `wanted` is asked for: more may be asked for later.
size_t kept_size(std::optional<size_t> wanted);

/// The beginning and the end of an output, which may be long: a quarter of what is kept is for the
/// beginning, for at the end is mostly why something failed.
class KeptOutput {
public:
    explicit KeptOutput(size_t limit) : m_limit(limit) {}

    void add(std::string_view data);
    std::uint64_t size() const noexcept { return m_size; }
    /// At most `limit` bytes of it, whole characters, and a line in between that says how many were
    /// left out.
    std::string shown(size_t limit) const;
    bool is_whole_in(size_t limit) const noexcept { return m_size <= std::min(limit, m_limit); }

    Json to_json() const;
    static KeptOutput from_json(const Json& json);

private:
    size_t m_limit;
    std::uint64_t m_size = 0;
    std::string m_head;  ///< all of it until there is more than the limit
    std::string m_tail;
};

/// Without a part of a UTF-8 character at its end.
std::string_view whole_characters(std::string_view text);

}  // namespace mstage::agent
