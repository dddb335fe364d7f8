#pragma once

#include <string>
#include <string_view>

namespace mstage {

/// Standard alphabet, with '=' at the end.
std::string encode_base64(std::string_view data);

/// The inverse; blanks and line ends do not count. Throws Error when `text` is none.
std::string decode_base64(std::string_view text);

}  // namespace mstage
