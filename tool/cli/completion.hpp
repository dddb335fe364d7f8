#pragma once

#include <string>
#include <vector>

namespace mstage::cli {

/// The shells that `mstage completion` has a script for.
std::vector<std::string> shells();

}  // namespace mstage::cli
