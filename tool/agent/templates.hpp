#pragma once

#include <string_view>
#include <vector>

namespace mstage::agent {

/// A file of templates/ that is carried in the helper.
struct Template {
    std::string_view name;  ///< below templates/: "guide/state.md"
    std::string_view text;
};

/// Those for agents, in the order of tool/CMakeLists.txt.
const std::vector<Template>& templates();
/// Throws Error when there is none of that name.
std::string_view template_text(std::string_view name);

/// What `name` is between `directory` ("guide/") and ".md"; nothing of it, "", when it is elsewhere.
std::string_view name_below(std::string_view name, std::string_view directory);

}  // namespace mstage::agent
