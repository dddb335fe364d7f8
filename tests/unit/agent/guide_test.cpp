#include "agent/guide.hpp"

#include "agent/templates.hpp"
#include "support.hpp"

namespace mstage::agent {
namespace {

using test::contains;
using test::error_of;

TEST(Guide, HasItsSectionsInOrder) {
    std::string names;
    for (const GuideSection& section : guide()) {
        names += section.name + " ";
        EXPECT_TRUE(section.text.starts_with("# " + section.title + "\n")) << section.name;
        EXPECT_TRUE(section.text.ends_with('\n')) << section.name;
        EXPECT_FALSE(contains(section.text, "{{")) << section.name;
        EXPECT_LT(section.text.size(), 8000U) << section.name << ": too long for one result";
    }
    EXPECT_EQ(names, "workflow reference quickstart state async tagging errors ");
}

TEST(Guide, FindsASection) {
    ASSERT_NE(find_guide_section("state"), nullptr);
    EXPECT_EQ(find_guide_section("state")->title, "State management guide");
    EXPECT_EQ(find_guide_section("nothing"), nullptr);
    EXPECT_EQ(find_guide_section(""), nullptr);
}

TEST(Guide, OfStateHasTheRollbackPatterns) {
    const std::string_view text = find_guide_section("state")->text;
    for (const char* pattern : {"Undo the last change", "Try an alternative",
                                "Recover from a mistake", "Lineage", "failed_state"}) {
        EXPECT_TRUE(contains(text, pattern)) << pattern;
    }
}

TEST(Templates, AreFoundByName) {
    EXPECT_TRUE(contains(template_text("pipeline-prompt.md"), "{{stages}}"));
    EXPECT_TRUE(contains(error_of([] { template_text("none.md"); }).message(), "'none.md'"));
    EXPECT_EQ(name_below("guide/state.md", "guide/"), "state");
    EXPECT_EQ(name_below("guide/state.md", "prompts/"), "");
    EXPECT_EQ(name_below("guide/state", "guide/"), "");
}

}  // namespace
}  // namespace mstage::agent
