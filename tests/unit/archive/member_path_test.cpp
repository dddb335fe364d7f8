#include "archive/member_path.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace mstage::archive {
namespace {

TEST(MemberPath, IsRelativeAndClean) {
    EXPECT_EQ(MemberPath::parse("usr/bin/x").str(), "usr/bin/x");
    EXPECT_EQ(MemberPath::parse("/usr//bin/./x/").str(), "usr/bin/x");
    EXPECT_EQ(MemberPath::parse("./a").str(), "a");
    EXPECT_EQ(MemberPath::parse("...").str(), "...");
    EXPECT_EQ(MemberPath::parse("..a/b..").str(), "..a/b..");
}

TEST(MemberPath, RootHasManyNames) {
    for (const char* name : {"", ".", "/", "./", "//", "././"}) {
        EXPECT_TRUE(MemberPath::parse(name).is_root()) << name;
    }
}

TEST(MemberPath, RefusesDotDot) {
    for (const char* name : {"..", "../x", "a/..", "a/../b", "/../a", "./.."}) {
        EXPECT_THROW(MemberPath::parse(name), Error) << name;
    }
}

TEST(MemberPath, SplitsAtTheLastSlash) {
    const MemberPath deep = MemberPath::parse("a/b/c");
    EXPECT_EQ(deep.parent(), "a/b");
    EXPECT_EQ(deep.leaf(), "c");
    const MemberPath top = MemberPath::parse("a");
    EXPECT_EQ(top.parent(), "");
    EXPECT_EQ(top.leaf(), "a");
}

TEST(Printable, IsOneHarmlessLine) {
    EXPECT_EQ(printable("a\nb\tc\x1b[31m\xff"), "a\\x0ab\\x09c\\x1b[31m\\xff");
    EXPECT_EQ(printable("größe"), "größe");
}

}  // namespace
}  // namespace mstage::archive
