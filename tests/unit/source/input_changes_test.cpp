#include "source/input_changes.hpp"

#include <algorithm>

#include "support.hpp"

namespace mstage::source {
namespace {

using Strings = std::vector<std::string>;

Entry file(const std::string& path, const std::string& content, mode_t mode = 0644) {
    return {.path = path, .type = EntryType::file, .mode = mode, .hash = content};
}
Entry directory(const std::string& path, mode_t mode = 0755) {
    return {.path = path, .type = EntryType::directory, .mode = mode, .hash = ""};
}
Entry symlink(const std::string& path, const std::string& target) {
    return {.path = path, .type = EntryType::symlink, .mode = 0777, .hash = target};
}

/// "kind path", or "kind old new".
Strings changes(std::vector<Entry> before, std::vector<Entry> after) {
    std::ranges::sort(before, {}, &Entry::path);
    std::ranges::sort(after, {}, &Entry::path);
    Strings lines;
    for (const InputChange& change : input_changes(before, after)) {
        std::string line = std::string(to_string(change.kind)) + " ";
        if (change.before && change.after && change.before->path != change.after->path) {
            line += change.before->path + " ";
        }
        lines.push_back(line + change.path());
    }
    return lines;
}

TEST(InputChanges, OfTheSameListsAreNone) {
    EXPECT_EQ(changes({file("a", "1"), directory("d")}, {file("a", "1"), directory("d")}),
              Strings{});
    EXPECT_EQ(changes({}, {}), Strings{});
}

TEST(InputChanges, TellContentFromModeAndTarget) {
    EXPECT_EQ(
        changes({file("a", "1"), file("m", "1"), symlink("l", "x"), directory("d", 0755)},
                {file("a", "2"), file("m", "1", 0755), symlink("l", "y"), directory("d", 0700)}),
        (Strings{"changed a", "mode d", "target l", "mode m"}));
    EXPECT_EQ(changes({file("a", "1")}, {file("a", "2", 0755)}), Strings{"changed a"});
}

TEST(InputChanges, TellWhatCameAndWent) {
    EXPECT_EQ(changes({file("a", "1"), file("b", "2")}, {file("b", "2"), file("c", "3")}),
              (Strings{"removed a", "added c"}));
    EXPECT_EQ(changes({file("a", "1")}, {symlink("a", "1")}), Strings{"type a"});
}

TEST(InputChanges, TellTheSameContentUnderAnotherName) {
    EXPECT_EQ(changes({file("a", "1")}, {file("b", "1")}), Strings{"renamed a b"});
    EXPECT_EQ(changes({file("a", "1")}, {file("b", "1", 0755)}), Strings{"renamed a b"});
    EXPECT_EQ(changes({symlink("a", "1")}, {file("b", "1")}), (Strings{"removed a", "added b"}));
    // One went, two came.
    EXPECT_EQ(changes({file("a", "1")}, {file("b", "1"), file("c", "1")}),
              (Strings{"renamed a b", "added c"}));
    EXPECT_EQ(changes({file("x/a", "1"), file("x/b", "1")}, {file("y/a", "1"), file("y/b", "1")}),
              (Strings{"renamed x/a y/a", "renamed x/b y/b"}));
    EXPECT_EQ(changes({file("x/a", "1"), file("x/b", "1")}, {file("y/b", "1")}),
              (Strings{"removed x/a", "renamed x/b y/b"}));
}

TEST(InputChanges, DirectoriesOnlyWhereNoFileSaysIt) {
    EXPECT_EQ(changes({}, {directory("d"), directory("d/e"), file("d/e/f", "1")}),
              Strings{"added d/e/f"});
    EXPECT_EQ(changes({directory("d"), file("d/f", "1")}, {directory("e"), file("e/f", "1")}),
              Strings{"renamed d/f e/f"});
    EXPECT_EQ(changes({directory("d")}, {directory("e")}), (Strings{"removed d", "added e"}));
}

}  // namespace
}  // namespace mstage::source
