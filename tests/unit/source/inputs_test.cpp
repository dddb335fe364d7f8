#include "source/inputs.hpp"

#include "base/hash.hpp"
#include "test_tree.hpp"

namespace mstage::source {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

namespace {

Entry file(std::string path, std::string_view content = "", mode_t mode = 0644) {
    return {std::move(path), EntryType::file, mode, sha256_hex(content)};
}
Entry directory(std::string path, mode_t mode = 0755) {
    return {std::move(path), EntryType::directory, mode, ""};
}

class SelectTest : public ::testing::Test {
protected:
    Strings select(const Strings& patterns) {
        m_unmatched.clear();
        return paths_of(source::select(m_tree, patterns, &m_unmatched));
    }

    const std::vector<Entry> m_tree = {
        file("a.c"),
        directory("docs"),
        file("docs/a.md"),
        directory("empty"),
        file("pyproject.toml"),
        directory("src"),
        file("src/a.c"),
        directory("src/gen"),
        directory("src/gen/deep"),
        file("src/gen/deep/k.h"),
        file("src/gen/x.c"),
        file("src/z.h"),
    };
    Strings m_unmatched;
};

}  // namespace

TEST_F(SelectTest, NoPatternsAreAll) {
    EXPECT_EQ(source::select(m_tree, std::nullopt, nullptr), m_tree);
    EXPECT_TRUE(select({}).empty()) << "an empty list is not no list";
}

TEST_F(SelectTest, FileComesWithItsDirectories) {
    EXPECT_EQ(select({"pyproject.toml"}), (Strings{"pyproject.toml"}));
    EXPECT_EQ(select({"k.h"}), (Strings{"src", "src/gen", "src/gen/deep", "src/gen/deep/k.h"}));
    EXPECT_EQ(select({"*.c"}), (Strings{"a.c", "src", "src/a.c", "src/gen", "src/gen/x.c"}));
}

TEST_F(SelectTest, DirectoryComesWithAllBelow) {
    const Strings all_of_src = {
        "src", "src/a.c", "src/gen", "src/gen/deep", "src/gen/deep/k.h", "src/gen/x.c", "src/z.h"};
    EXPECT_EQ(select({"src"}), all_of_src);
    EXPECT_EQ(select({"/src/"}), all_of_src);
    EXPECT_EQ(select({"empty"}), (Strings{"empty"}));
}

TEST_F(SelectTest, NegationTakesOutAgain) {
    EXPECT_EQ(select({"src", "!gen"}), (Strings{"src", "src/a.c", "src/z.h"}));
    EXPECT_EQ(select({"src", "!gen", "k.h"}), (Strings{"src", "src/a.c", "src/gen", "src/gen/deep",
                                                       "src/gen/deep/k.h", "src/z.h"}));
    EXPECT_EQ(select({"src", "!*.c", "!*.h"}), (Strings{"src", "src/gen", "src/gen/deep"}));
    EXPECT_EQ(select({"*", "!/src"}),
              (Strings{"a.c", "docs", "docs/a.md", "empty", "pyproject.toml"}))
        << "a later '!' wins over all that it covers";
}

TEST_F(SelectTest, TellsOfPatternsThatMatchNothing) {
    select({"*.c", "nothing", "src", "!nor this", "# comment", "docs/", "a.c/", "/src/a.c"});
    EXPECT_EQ(m_unmatched, (Strings{"nothing", "a.c/"}));
}

TEST(Digest, SaysWhatAStageCanSee) {
    const std::vector<Entry> entries = {directory("d"), file("d/f", "x"), file("g", "y")};
    const std::string all = digest("/app", entries);
    EXPECT_TRUE(is_sha256_hex(all));
    EXPECT_EQ(digest("/app", entries), all);
    EXPECT_NE(digest("/src", entries), all);
    const auto with = [&](size_t index, const Entry& entry) {
        std::vector<Entry> changed = entries;
        changed[index] = entry;
        return digest("/app", changed);
    };
    EXPECT_NE(with(0, directory("d", 0700)), all);
    EXPECT_NE(with(1, file("d/f", "z")), all);
    EXPECT_NE(with(1, file("d/f", "x", 0600)), all);
    EXPECT_NE(with(1, file("d/e", "x")), all);
    EXPECT_NE(with(2, Entry{"g", EntryType::symlink, 0644, sha256_hex("y")}), all);
    EXPECT_NE(digest("/app", {entries[0], entries[1]}), all);
    EXPECT_NE(digest("/app", {}), digest("/ap", {}));
}

TEST(Differences, MergesSortedLists) {
    const std::vector<Entry> before = {file("a"), file("b", "1"), directory("c"), file("e")};
    const std::vector<Entry> after = {file("b", "2"), file("c"), file("d"), file("e")};
    using Kind = Difference::Kind;
    const auto found = differences(before, after);
    ASSERT_EQ(found.size(), 4U);
    EXPECT_EQ(found[0].kind, Kind::removed);
    EXPECT_EQ(found[1].kind, Kind::modified);
    EXPECT_EQ(found[1].before, &before[1]);
    EXPECT_EQ(found[1].after, &after[0]);
    EXPECT_EQ(found[2].kind, Kind::retyped);
    EXPECT_EQ(found[3].kind, Kind::added);
    EXPECT_TRUE(differences(after, after).empty());
}

class InputsFileTest : public TreeTest {
protected:
    const fs::path m_file = m_base / "stage.inputs";
    const Inputs m_inputs = make_inputs(
        "/app", {file(" "), file("-rf"), file("a\\n\nb\\", "x", 04755), directory("d", 01777),
                 Entry{"d/l", EntryType::symlink, 0777, sha256_hex("t")}, file("latin\xe9")});
};

TEST_F(InputsFileTest, RoundTrip) {
    EXPECT_TRUE(write_inputs(m_file, m_inputs));
    const auto read = read_inputs(m_file);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->digest, m_inputs.digest);
    EXPECT_EQ(read->entries, m_inputs.entries);
    EXPECT_EQ(read_inputs_digest(m_file), m_inputs.digest);
    EXPECT_TRUE(read_file(m_file).starts_with("mstage-inputs 1\n" + m_inputs.digest + "\nf 0644 "));
}

TEST_F(InputsFileTest, NoEntries) {
    write_inputs(m_file, make_inputs("/app", {}));
    ASSERT_TRUE(read_inputs(m_file));
    EXPECT_TRUE(read_inputs(m_file)->entries.empty());
    EXPECT_EQ(read_inputs_digest(m_file), digest("/app", {}));
}

TEST_F(InputsFileTest, IsLeftAloneWhenNothingChanged) {
    write_inputs(m_file, m_inputs);
    const auto written = fs::last_write_time(m_file);
    wait_for_next_tick();
    EXPECT_FALSE(write_inputs(m_file, m_inputs));
    EXPECT_EQ(fs::last_write_time(m_file), written);
    EXPECT_TRUE(write_inputs(m_file, make_inputs("/src", m_inputs.entries)));
}

TEST_F(InputsFileTest, WhatIsNotWholeIsAbsent) {
    EXPECT_FALSE(read_inputs(m_file));
    EXPECT_FALSE(read_inputs_digest(m_file));
    write_inputs(m_file, m_inputs);
    const std::string good = read_file(m_file);
    const std::string digest_line = m_inputs.digest + "\n";
    for (const std::string& bad :
         {std::string(), std::string("x"), std::string(good.size(), '\0'),
          good.substr(0, good.size() - 1), good + "f 0644 - no-hash\n", good + "x 0644 - p\n",
          good + "d 07x5 - p\n", good + "d 0755 -\n", good + "\n", good + "d 0755 - \n",
          "mstage-inputs 2\n" + digest_line}) {
        write_file_atomically(m_file, bad);
        EXPECT_FALSE(read_inputs(m_file)) << bad;
    }
    for (const std::string& bad :
         {std::string(), std::string("mstage-inputs 1\n"), "mstage-inputs 1\n" + m_inputs.digest,
          "mstage-inputs 2\n" + digest_line}) {
        write_file_atomically(m_file, bad);
        EXPECT_FALSE(read_inputs_digest(m_file)) << bad;
    }
}

}  // namespace mstage::source
