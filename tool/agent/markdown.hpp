#pragma once

#include <string>
#include <string_view>

namespace mstage::agent {

/// `text` as Markdown shows it to the letter, whatever is in it: what is one line is a code span, else
/// it is a fenced block on lines of its own that begin at the left edge, so that its own lines stay as
/// they are. Behind a block the next text begins a new line.
std::string as_code(std::string_view text);

}  // namespace mstage::agent
