#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/secret_patterns.hpp"

namespace mstage {

/// Takes the secrets out of a text that comes in pieces. Each piece is passed on at once but for an
/// end of it that may be the beginning of a secret; that waits for what follows.
class SecretStream {
public:
    using Clear = std::function<void(std::string_view)>;
    using Found = std::function<void(size_t secret)>;

    /// `clear` gets what is no secret, `found` is called where one was. `patterns` are the caller's
    /// and stay. Less than `least_held` bytes do not wait: who types sees each letter come back.
    SecretStream(const SecretPatterns& patterns, Clear clear, Found found, size_t least_held = 1);

    void feed(std::string_view data);
    /// No more comes. The text may have been cut off in the midst of a secret: what is most of one
    /// then counts as one with `cut`, and is clear without.
    enum class End { whole, cut };
    void finish(End end);

private:
    enum class More { comes, ends_whole, ends_cut };
    void take(std::string_view text, More more);

    const SecretPatterns& m_patterns;
    Clear m_clear;
    Found m_found;
    size_t m_least_held;
    std::string m_held;
    size_t m_done = 0;  ///< of what is held: a part of a secret that was found
};

/// `text` with each secret as "***".
std::string redacted(const SecretPatterns& patterns, std::string_view text);
inline constexpr std::string_view k_redacted = "***";

}  // namespace mstage
