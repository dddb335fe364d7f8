#include "source/ignore.hpp"

#include <algorithm>

#include "base/process.hpp"
#include "base/text.hpp"
#include "test_tree.hpp"

namespace mstage::source {

namespace {

using Kind = PatternList::Kind;
using Strings = std::vector<std::string>;

bool excludes(const Strings& patterns, std::string_view path, Kind kind = Kind::other) {
    return PatternList(patterns).excludes(path, kind);
}

}  // namespace

TEST(Ignore, NameMatchesAtAnyDepth) {
    EXPECT_TRUE(excludes({"a.o"}, "a.o"));
    EXPECT_TRUE(excludes({"a.o"}, "x/y/a.o"));
    EXPECT_FALSE(excludes({"a.o"}, "a.oo"));
    EXPECT_TRUE(excludes({"x"}, "x/y/a.o")) << "below an excluded directory";
}

TEST(Ignore, StarStopsAtSlashes) {
    EXPECT_TRUE(excludes({"a/*.c"}, "a/x.c"));
    EXPECT_FALSE(excludes({"a/*.c"}, "a/b/x.c"));
    EXPECT_FALSE(excludes({"a/*.c"}, "z/a/x.c"));
}

/// As git documents it. What git does is another thing: it cuts off "a/b" and takes the rest for a
/// leading "**/".
TEST(Ignore, TwoStarsWithinANameAreOne) {
    EXPECT_TRUE(excludes({"a/b**/c.c"}, "a/bx/c.c"));
    EXPECT_FALSE(excludes({"a/b**/c.c"}, "a/b/d/c.c"));
}

TEST(Ignore, LastMatchWins) {
    EXPECT_FALSE(excludes({"*.c", "!keep.c"}, "keep.c"));
    EXPECT_TRUE(excludes({"!keep.c", "*.c"}, "keep.c"));
    EXPECT_TRUE(excludes({"d", "!d/keep.c"}, "d/keep.c"));
}

TEST(Ignore, InvalidPatternIsNamed) {
    for (const char* pattern : {"a[bc", "a\\", "/", "!", "a/[x/y]", "!/"}) {
        try {
            const PatternList list({pattern});
            FAIL() << pattern;
        } catch (const UsageError& error) {
            EXPECT_NE(error.message().find(fmt::format("'{}'", pattern)), std::string::npos);
        }
    }
}

TEST(Ignore, LastMatchIsIndexInTheGivenList) {
    const PatternList list({"# comment", "", "a", "!b"});
    EXPECT_EQ(list.last_match("x/a", Kind::other), 2);
    EXPECT_EQ(list.last_match("b", Kind::other), 3);
    EXPECT_FALSE(list.is_negated(2));
    EXPECT_TRUE(list.is_negated(3));
    EXPECT_EQ(list.last_match("c", Kind::other), std::nullopt);
}

/// Every list of patterns over one tree, judged by git itself.
class IgnoreLikeGit : public TreeTest {
protected:
    static const std::vector<Strings>& lists() {
        static const std::vector<Strings> all = {
            {"*"},
            {"**"},
            {"/**"},
            {"/*"},
            {"a"},
            {"/a"},
            {"a/"},
            {"a/b"},
            {"/a/b"},
            {"a/b/"},
            {"a/*"},
            {"a/**"},
            {"a/**/"},
            {"**/b"},
            {"**/a/b"},
            {"a/**/c.c"},
            {"a/**/b/c.c"},
            {"**/**/c.c"},
            {"**/"},
            {"*/b"},
            {"*/*/*.c"},
            {"a**"},
            {"a**c.c"},
            {"*.c"},
            {"?.c"},
            {"[a-c].c"},
            {"[!a-c].c"},
            {"[^c].c"},
            {"[]].c"},
            {"[[:digit:]].c"},
            {"[[:alpha:]b].c"},
            {"[a\\]].c"},
            {"\\*.c"},
            {"\\a"},
            {"\\#hash"},
            {"#hash"},
            {"\\!bang"},
            {"!bang"},
            {"space "},
            {"space\\ "},
            {"space\\  "},
            {"two words"},
            {"\\ lead"},
            {" lead"},
            {"*", "!*.c"},
            {"*", "!*/", "!c.c"},
            {"/*", "!/a", "/a/*", "!/a/b"},
            {"a/*", "!a/b"},
            {"a", "!a/b/c.c"},
            {"*.c", "!a/**/c.c", "a/b/c.c"},
            {"!c.c", "*.c"},
            {".hidden"},
            {".*"},
            {"*hidden"},
            {"-dash"},
            {"-*"},
            {"caf\xc3\xa9"},
            {"caf??"},
            {"latin\xe9"},
            {"latin?"},
            {"back\\\\slash"},
            {"back?slash"},
            {"a\\/b"},
            {"b/c.c"},
            {"./a"},
            {"a//b"},
            {"link"},
            {"link/"},
            {"dir.d/"},
            {"*.d"},
            {"tab\t"},
            {"new\\nline"},
            {"x[0-9][0-9]*"},
            {"x??y"},
            {"*a*b*"},
            {"**b"},
            {"b**"},
            {"foo/**/bar/**/*.c"},
            {"**/bar/*"},
            {"foo/*/bar"},
            {"foo/**/bar"},
            {"*.c "},
            {"a/b/../b"},
            {"{a,b}.c"},
            {"A"},
            {"/a.c", "!a.c"},
        };
        return all;
    }
    static const Strings& files() {
        static const Strings all = {
            "a/b/c.c",     "a/b/d/c.c",   "a/x.c",
            "a.c",         "b.c",         "c.c",
            "d.c",         "].c",         "1.c",
            "*.c",         "#hash",       "!bang",
            "bang",        "space",       "space ",
            "two words",   " lead",       ".hidden",
            "x/.hidden",   "-dash",       "caf\xc3\xa9",
            "latin\xe9",   "back\\slash", "b/a/b/c.c",
            "b/c.c",       "dir.d/file",  "file.d",
            "tab",         "tab\t",       "x12y",
            "x1y",         "foo/bar/1.c", "foo/x/bar/y/z/1.c",
            "foo/x/y/bar", "xaxbx",       "z/dir.d",
            "{a,b}.c",     "a.b/c",
        };
        return all;
    }

    void SetUp() override {
        if (!find_program("git")) {
            GTEST_SKIP() << "git is not installed";
        }
        for (const std::string& file : files()) {
            write(file, "");
        }
        symlink("a", "link");
        mkdir("empty/a/b");
        capture_output({.argv = git({"init", "--quiet"}), .package_hint = "git"});
    }

    Strings git(Strings arguments) const {
        Strings argv = {"git",
                        "-C",
                        m_options.root.native(),
                        "-c",
                        "core.excludesFile=/dev/null",
                        "-c",
                        "core.ignoreCase=false"};
        argv.insert(argv.end(), arguments.begin(), arguments.end());
        return argv;
    }

    /// The files that git does not ignore, as it walks the tree.
    Strings kept_by_git(const Strings& patterns) const {
        std::string lines;
        for (const std::string& pattern : patterns) {
            lines += pattern + "\n";
        }
        write_file_atomically(at(".git/info/exclude"), lines);
        Strings kept =
            split(capture_output({.argv = git({"ls-files", "-z", "--others", "--exclude-standard"}),
                                  .package_hint = "git"}),
                  '\0');
        std::erase(kept, "");
        std::ranges::sort(kept);
        return kept;
    }
};

TEST_F(IgnoreLikeGit, ScanKeepsWhatGitKeeps) {
    for (const Strings& patterns : lists()) {
        ScanOptions options = m_options;
        options.exclude = patterns;
        Strings kept;
        for (const Entry& entry : scan(options).entries) {
            if (entry.type != EntryType::directory) {
                kept.push_back(entry.path);
            }
        }
        EXPECT_EQ(kept, kept_by_git(patterns))
            << "patterns: " << ::testing::PrintToString(patterns);
    }
}

/// check-ignore is asked about each path, so that paths below excluded directories are judged too.
TEST_F(IgnoreLikeGit, ExcludesWhatGitIgnores) {
    Strings paths = files();
    paths.insert(paths.end(), {"a", "a/b", "a/b/d", "b", "b/a", "dir.d", "z", "foo", "foo/x",
                               "empty", "empty/a", "empty/a/b", "link"});
    for (const Strings& patterns : lists()) {
        kept_by_git(patterns);  // writes the file
        const PatternList list(patterns);
        std::string wanted;
        for (const std::string& path : paths) {
            wanted += path + '\0';
        }
        write_file_atomically(m_base / "asked", wanted);
        // Exits 1 when no path is ignored.
        const std::string script = fmt::format(
            "git -C {} -c core.excludesFile=/dev/null check-ignore -z --no-index --stdin < "
            "{} || test $? = 1",
            shell_quote(m_options.root.native()), shell_quote((m_base / "asked").native()));
        const Strings ignored =
            split(capture_output({.argv = {"sh", "-c", script}, .package_hint = "git"}), '\0');
        for (const std::string& path : paths) {
            struct stat info {};
            ASSERT_EQ(::lstat(at(path).c_str(), &info), 0) << path;
            const bool by_git = std::ranges::find(ignored, path) != ignored.end();
            EXPECT_EQ(list.excludes(path, S_ISDIR(info.st_mode) ? Kind::directory : Kind::other),
                      by_git)
                << "path '" << path << "', patterns: " << ::testing::PrintToString(patterns);
        }
    }
}

}  // namespace mstage::source
