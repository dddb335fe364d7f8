#pragma once

#include <string>

namespace mstage::engine {

/// Throws UsageError when no tag may be called so. Engine::set_tag() asks it too; to be asked before
/// what is to be named is made, which may take long.
void check_tag_name(const std::string& name);

}  // namespace mstage::engine
