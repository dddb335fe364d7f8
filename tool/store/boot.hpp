#pragma once

#include <string>

namespace mstage::store {

/// The kernel's id of this boot, as short as it can be and still tell boots apart.
const std::string& boot_id();

}  // namespace mstage::store
