#pragma once

#include <map>
#include <string>
#include <string_view>

namespace mstage {

/// `text` with every `{{name}}` replaced by the value of that name; what values hold is not looked
/// at again. A name without a value is an Error.
std::string fill_template(std::string_view text, const std::map<std::string, std::string>& values);

}  // namespace mstage
