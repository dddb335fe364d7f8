#pragma once

#include <string_view>

namespace mstage::sandbox {

/// The program launcher.cpp, an ELF file linked statically, as bytes.
std::string_view launcher_program();

}  // namespace mstage::sandbox
