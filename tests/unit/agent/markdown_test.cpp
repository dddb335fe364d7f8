#include "agent/markdown.hpp"

#include <gtest/gtest.h>

namespace mstage::agent {
namespace {

TEST(AsCode, OfOneLineIsASpan) {
    EXPECT_EQ(as_code("pip install -e '.[dev]'"), "`pip install -e '.[dev]'`");
    EXPECT_EQ(as_code("grüße \"x\" $HOME {{y}}"), "`grüße \"x\" $HOME {{y}}`");
}

TEST(AsCode, HasMoreBackticksThanTheText) {
    EXPECT_EQ(as_code("echo `date` now"), "``echo `date` now``");
    EXPECT_EQ(as_code("a ``` b `c` d"), "````a ``` b `c` d````");
}

TEST(AsCode, KeepsBackticksAndBlanksAtItsEnds) {
    EXPECT_EQ(as_code("`date`"), "`` `date` ``");
    EXPECT_EQ(as_code("x`"), "`` x` ``");
    EXPECT_EQ(as_code(" x "), "`  x  `");
    EXPECT_EQ(as_code(" x"), "` x`") << "only two blanks are taken away";
}

TEST(AsCode, OfSeveralLinesIsABlockAtTheLeftEdge) {
    EXPECT_EQ(as_code("if x:\n    y"), "\n\n```\nif x:\n    y\n```\n");
    EXPECT_EQ(as_code("one\n"), "\n\n```\none\n```\n");
    EXPECT_EQ(as_code("````\nx"), "\n\n`````\n````\nx\n`````\n");
    EXPECT_EQ(as_code("a\rb"), "\n\n```\na\rb\n```\n");
}

}  // namespace
}  // namespace mstage::agent
