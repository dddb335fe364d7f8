#include "agent/templates.hpp"

#include <algorithm>

#include "base/error.hpp"

// CMake writes the list, and has us compiled again when a file of it changes.
asm(R"(
    .pushsection .rodata
    mstage_agent_templates_begin:
    .include ")" MSTAGE_AGENT_TEMPLATES R"("
    mstage_agent_templates_end:
    .popsection
)");

extern "C" {
extern const char mstage_agent_templates_begin[] __attribute__((visibility("hidden")));
extern const char mstage_agent_templates_end[] __attribute__((visibility("hidden")));
}

namespace mstage::agent {

namespace {

/// The text up to the next NUL, which is then left behind.
std::string_view take(std::string_view& all) {
    const size_t end = all.find('\0');
    const std::string_view text = all.substr(0, end);
    all.remove_prefix(end + 1);
    return text;
}

std::vector<Template> read_templates() {
    std::string_view all(
        mstage_agent_templates_begin,
        static_cast<size_t>(mstage_agent_templates_end - mstage_agent_templates_begin));
    std::vector<Template> found;
    while (!all.empty()) {
        const std::string_view name = take(all);
        found.push_back({name, take(all)});
    }
    return found;
}

}  // namespace

const std::vector<Template>& templates() {
    static const std::vector<Template> k_templates = read_templates();
    return k_templates;
}

std::string_view template_text(std::string_view name) {
    const auto found = std::ranges::find(templates(), name, &Template::name);
    if (found == templates().end()) {
        throw Error("there is no template '{}'", name);
    }
    return found->text;
}

std::string_view name_below(std::string_view name, std::string_view directory) {
    constexpr std::string_view k_suffix = ".md";
    if (!name.starts_with(directory) || !name.ends_with(k_suffix)) {
        return {};
    }
    name.remove_prefix(directory.size());
    name.remove_suffix(k_suffix.size());
    return name;
}

}  // namespace mstage::agent
