#pragma once

#include <string>
#include <string_view>

namespace mstage::agent {

/// The bytes that `text` stands for; encode_base64() is the other way. Throws Error when it is none.
std::string decode_base64(std::string_view text);

}  // namespace mstage::agent
