#pragma once

#include <map>
#include <string>
#include <vector>

namespace mstage::cli {

/// "NAME=VALUE" each, or "NAME" for the caller's own value, if there is one. Throws UsageError.
std::map<std::string, std::string> parse_environment(const std::vector<std::string>& pairs);

}  // namespace mstage::cli
