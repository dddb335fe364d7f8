#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mstage::agent {

/// A section of the guide for agents: templates/guide/NAME.md, Markdown that begins with its title.
struct GuideSection {
    std::string name;
    std::string title;
    std::string_view text;
};

/// In the order in which they are best read.
const std::vector<GuideSection>& guide();
/// nullptr when there is none.
const GuideSection* find_guide_section(std::string_view name);

}  // namespace mstage::agent
