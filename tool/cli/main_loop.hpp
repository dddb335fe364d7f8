#pragma once

#include <string>
#include <vector>

namespace mstage::cli {

/// Finds the verb and runs it. `arguments` are the words after the program's name. Returns the exit
/// code: that of the verb. Throws what it throws; see exit_code.hpp.
int run(const std::vector<std::string>& arguments);

}  // namespace mstage::cli
