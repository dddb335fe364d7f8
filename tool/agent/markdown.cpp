#include "agent/markdown.hpp"

#include <algorithm>

namespace mstage::agent {

namespace {

size_t longest_run_of_backticks(std::string_view text) {
    size_t longest = 0;
    size_t run = 0;
    for (const char c : text) {
        run = c == '`' ? run + 1 : 0;
        longest = std::max(longest, run);
    }
    return longest;
}

std::string span(std::string_view text) {
    const std::string fence(longest_run_of_backticks(text) + 1, '`');
    // Markdown takes one blank at either end away, if both are there.
    const bool has_blanks = text.starts_with(' ') && text.ends_with(' ') &&
                            text.find_first_not_of(' ') != std::string_view::npos;
    const bool is_padded = has_blanks || text.starts_with('`') || text.ends_with('`');
    const std::string pad = is_padded ? " " : "";
    return fence + pad + std::string(text) + pad + fence;
}

std::string block(std::string_view text) {
    constexpr size_t k_shortest_fence = 3;
    const std::string fence(std::max(k_shortest_fence, longest_run_of_backticks(text) + 1), '`');
    const std::string end = text.ends_with('\n') ? "" : "\n";
    return "\n\n" + fence + "\n" + std::string(text) + end + fence + "\n";
}

}  // namespace

std::string as_code(std::string_view text) {
    return text.find_first_of("\n\r") == std::string_view::npos ? span(text) : block(text);
}

}  // namespace mstage::agent
