#include "base/secret_stream.hpp"

#include <algorithm>
#include <utility>

namespace mstage {

SecretStream::SecretStream(const SecretPatterns& patterns, Clear clear, Found found,
                           size_t least_held)
    : m_patterns(patterns),
      m_clear(std::move(clear)),
      m_found(std::move(found)),
      m_least_held(least_held) {}

void SecretStream::feed(std::string_view data) {
    if (m_held.empty()) {
        take(data, More::comes);
    } else {
        const std::string text = std::exchange(m_held, {}).append(data);
        take(text, More::comes);
    }
}

void SecretStream::finish(End end) {
    const std::string text = std::exchange(m_held, {});
    take(text, end == End::cut ? More::ends_cut : More::ends_whole);
}

void SecretStream::take(std::string_view text, More more) {
    size_t done = std::exchange(m_done, 0);
    const auto pass_until = [&](size_t end) {
        if (end > done) {
            m_clear(text.substr(done, end - done));
        }
    };
    size_t at = 0;
    while ((at = m_patterns.next_candidate(text, at)) < text.size()) {
        const SecretPatterns::Match match = m_patterns.match_at(text, at);
        if (match.is_open && more == More::comes && text.size() - at >= m_least_held) {
            pass_until(at);
            m_held = text.substr(at);
            m_done = done > at ? done - at : 0;
            return;
        }
        const bool is_cut = match.is_mostly && more == More::ends_cut;
        const size_t end = at + (is_cut ? text.size() - at : match.length);
        if (end > at && at >= done) {
            pass_until(at);
            m_found(match.secret);
        }
        // Another one may begin in the midst of this one, and end behind it.
        done = end > at ? std::max(done, end) : done;
        ++at;
    }
    pass_until(text.size());
}

std::string redacted(const SecretPatterns& patterns, std::string_view text) {
    std::string result;
    SecretStream stream(
        patterns, [&](std::string_view clear) { result += clear; },
        [&](size_t) { result += k_redacted; });
    stream.feed(text);
    stream.finish(SecretStream::End::whole);
    return result;
}

}  // namespace mstage
