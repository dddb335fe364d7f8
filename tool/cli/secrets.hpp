#pragma once

#include <string>
#include <vector>

#include "engine/types.hpp"

namespace mstage::cli {

/// The values of what --secret was given, read now: see read_secrets(). Throws UsageError, too.
std::vector<engine::Secret> secrets_from(const std::vector<std::string>& texts);

}  // namespace mstage::cli
