#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "engine/engine.hpp"

namespace mstage::cli {

struct DiffNames {
    std::string before;
    std::string after;
};

enum class Length { summary, full };

/// Counts and bytes, the directories with most of it, then the list: in a summary with new and
/// vanished directories as one line each, and not longer than a screen or two.
std::string diff_text(const std::vector<engine::FileChange>& changes, Length length);

/// The texts of those that have one, and why the others have none.
std::string content_text(const std::vector<engine::FileChange>& changes, const DiffNames& names);

/// The members "summary" and "changes".
Json diff_json(const std::vector<engine::FileChange>& changes);

}  // namespace mstage::cli
