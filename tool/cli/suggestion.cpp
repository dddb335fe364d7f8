#include "cli/suggestion.hpp"

#include <algorithm>

namespace mstage::cli {

namespace {

/// Whether `text` is `other` but for one letter that it lacks, or has otherwise.
bool differs_by_one(const std::string& text, const std::string& other) {
    const size_t same = static_cast<size_t>(std::ranges::mismatch(text, other).in1 - text.begin());
    return text.substr(same) == other.substr(std::min(same + 1, other.size())) ||
           (same < text.size() && same < other.size() &&
            text.substr(same + 1) == other.substr(same + 1));
}

/// By letters that differ, for a slip of the finger.
bool is_near(const std::string& name, const std::string& word) {
    return name.starts_with(word) || word.starts_with(name) || differs_by_one(word, name) ||
           differs_by_one(name, word) ||
           (name.size() == word.size() && std::ranges::is_permutation(name, word));
}

}  // namespace

std::optional<std::string> suggestion_for(const std::string& word,
                                          const std::vector<std::string>& names) {
    const auto near =
        std::ranges::find_if(names, [&](const std::string& name) { return is_near(name, word); });
    return near == names.end() ? std::nullopt : std::optional(*near);
}

}  // namespace mstage::cli
