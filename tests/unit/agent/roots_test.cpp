#include "agent/roots.hpp"

#include "base/file.hpp"
#include "support.hpp"

namespace mstage::agent {
namespace {

namespace fs = std::filesystem;

using test::contains;
using test::error_of;

class RootsTest : public testing::Test {
protected:
    void SetUp() override {
        make_directories(path("project/src"));
        make_directories(path("project2"));
        write_file_atomically(path("project/src/a"), "a");
        write_file_atomically(path("outside"), "b");
    }

    std::string path(const char* name) const { return (m_directory / name).native(); }
    Roots roots() const { return Roots({path("project")}); }

    test::TempDir m_directory;
};

TEST_F(RootsTest, HoldWhatIsBelow) {
    EXPECT_EQ(roots().resolve(path("project")), path("project"));
    EXPECT_EQ(roots().resolve(path("project/src/a")), path("project/src/a"));
    EXPECT_EQ(roots().resolve(path("project/src/../src/./a")), path("project/src/a"));
    EXPECT_EQ(roots().resolve_new(path("project/new")), path("project/new"));
}

TEST_F(RootsTest, MayBeAll) {
    EXPECT_EQ(Roots({"/"}).resolve(path("outside")), path("outside"));
    EXPECT_THROW(Roots({"/"}, path("project")).resolve(path("project/src")), Error);
}

TEST_F(RootsTest, RefuseWhatLeadsOut) {
    fs::create_symlink(path("outside"), path("project/link"));
    fs::create_directory_symlink("..", path("project/up"));
    for (const char* name :
         {"outside", "project/../outside", "project/link", "project/up/outside", "project2"}) {
        const std::string text = path(name);
        EXPECT_PRED2(contains, error_of<Error>([&] { roots().resolve(text); }).message(), text);
    }
    EXPECT_THROW(roots().resolve_new(path("project/up/new")), Error);
    EXPECT_THROW(roots().resolve_new(path("new")), Error);
    EXPECT_THROW(roots().resolve_new(path("project/..")), Error);
}

TEST_F(RootsTest, SayWhatIsWrong) {
    EXPECT_PRED2(contains, error_of<Error>([&] { roots().resolve("src"); }).message(), "absolute");
    EXPECT_PRED2(contains,
                 error_of<Error>([&] { roots().resolve(path("project/none")); }).message(),
                 "No such file");
    EXPECT_PRED2(contains, error_of<Error>([&] { roots().resolve(path("outside")); }).hint(),
                 "--root");
    EXPECT_PRED2(contains, error_of<Error>([&] { Roots({}).resolve(path("outside")); }).hint(),
                 "without --root");
    EXPECT_THROW(Roots({path("outside")}), UsageError);
}

}  // namespace
}  // namespace mstage::agent
