#include "agent/guide.hpp"

#include <algorithm>

#include "agent/templates.hpp"
#include "base/error.hpp"

namespace mstage::agent {

namespace {

std::string title_of(const Template& section) {
    constexpr std::string_view k_mark = "# ";
    if (!section.text.starts_with(k_mark)) {
        throw Error("the template '{}' does not begin with a title", section.name);
    }
    return std::string(section.text.substr(k_mark.size(), section.text.find('\n') - k_mark.size()));
}

std::vector<GuideSection> read_guide() {
    std::vector<GuideSection> found;
    for (const Template& section : templates()) {
        const std::string name(name_below(section.name, "guide/"));
        if (!name.empty()) {
            found.push_back({name, title_of(section), section.text});
        }
    }
    return found;
}

}  // namespace

const std::vector<GuideSection>& guide() {
    static const std::vector<GuideSection> k_guide = read_guide();
    return k_guide;
}

const GuideSection* find_guide_section(std::string_view name) {
    const auto found = std::ranges::find(guide(), name, &GuideSection::name);
    return found == guide().end() ? nullptr : &*found;
}

}  // namespace mstage::agent
