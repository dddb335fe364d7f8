#pragma once

#include <optional>
#include <string>
#include <vector>

namespace mstage::cli {

/// The first of `names` that somebody may have meant who typed `word`: a slip of the finger away, or
/// begun, or with something behind it.
std::optional<std::string> suggestion_for(const std::string& word,
                                          const std::vector<std::string>& names);

}  // namespace mstage::cli
