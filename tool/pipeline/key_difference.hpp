#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"

namespace mstage::pipeline {

/// A part of two stage keys (stage_key.hpp) that is not the same in both.
struct KeyDifference {
    std::string part;  ///< "command", "inputs", "environment", …
    std::string
        name{};   ///< of a part with several things in it: of a variable, the place of a cache
    Json before;  ///< null when it was not there
    Json after;   ///< null when it is not there any more
};

/// What a copy is called in a difference.
std::string copy_name(const std::string& path, const std::string& destination);

/// Parts that no version of ours knew count as well. What matters most comes first.
std::vector<KeyDifference> key_differences(const Json& before, const Json& after);

}  // namespace mstage::pipeline
