// Images compared.

#include <fcntl.h>

#include "engine/local/touched_paths.hpp"
#include "engine_fixture.hpp"

namespace mstage::engine {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::error_of;
using Strings = std::vector<std::string>;

/// "+ /path", "- /path" or "~ /path content mode".
std::string line_of(const FileChange& change) {
    std::string line = (!change.before ? "+ " : !change.after ? "- " : "~ ") + change.path();
    for (const Aspect aspect : change.aspects) {
        line += std::string(" ") + to_string(aspect);
    }
    return line;
}

class DiffTest : public EngineTest {
protected:
    std::vector<FileChange> changes(const ImageId& before, const ImageId& after,
                                    const DiffRequest& request = {}) {
        return m_engine.diff(m_engine.image(before), m_engine.image(after), request);
    }
    Strings diff(const ImageId& before, const ImageId& after, const std::string& path = "/") {
        DiffRequest request;
        request.path = path;
        Strings lines;
        for (const FileChange& change : changes(before, after, request)) {
            lines.push_back(line_of(change));
        }
        return lines;
    }
    /// An image without any layer of another: what the command leaves, all in one layer, on a base of
    /// its own.
    ImageId unrelated(const std::string& name, const std::vector<std::string>& files) {
        const fs::path tree = m_dir / name;
        for (const std::string& file : files) {
            make_directories((tree / file).parent_path());
            write_file_atomically(tree / file, file);
        }
        return m_engine.base("rootfs:" + tree.native(), Refresh::no).image;
    }
};

TEST_F(DiffTest, OfAnImageAndItself) {
    EXPECT_EQ(diff(base(), base()), Strings{});
}

TEST_F(DiffTest, FilesAddedChangedAndRemovedInOneLayer) {
    const ImageId before = made_by(base(),
                                   "mkdir -p /root/d; echo a > /root/d/a; echo b > /root/d/b; "
                                   "echo c > /root/d/c; echo same > /root/d/same");
    const ImageId after = made_by(before,
                                  "echo n > /root/d/n; echo B > /root/d/b; rm /root/d/a; "
                                  "echo same > /root/d/same; chmod 600 /root/d/c");
    EXPECT_EQ(diff(before, after),
              (Strings{"- /root/d/a", "~ /root/d/b content", "~ /root/d/c mode", "+ /root/d/n"}));
    EXPECT_EQ(diff(after, before),
              (Strings{"+ /root/d/a", "~ /root/d/b content", "~ /root/d/c mode", "- /root/d/n"}));
}

TEST_F(DiffTest, SaysWhatTheFilesAre) {
    const ImageId before = made_by(base(), "echo a > /root/a; ln -s a /root/l");
    const ImageId after = made_by(before, "echo abc > /root/a; ln -sf b /root/l; mkfifo /root/p");
    const std::vector<FileChange> found = changes(before, after);
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[0].before->size, 2U);
    EXPECT_EQ(found[0].after->size, 4U);
    EXPECT_EQ(found[0].after->mode, 0644U);
    EXPECT_EQ(line_of(found[1]), "~ /root/l target");
    EXPECT_EQ(found[1].before->target, "a");
    EXPECT_EQ(found[1].after->target, "b");
    EXPECT_EQ(line_of(found[2]), "+ /root/p");
    EXPECT_EQ(found[2].after->type, 'p');
}

TEST_F(DiffTest, TimesAreADifferenceOnlyWhenAskedFor) {
    const ImageId before = made_by(base(), "echo a > /root/a");
    const ImageId after = made_by(before, "touch -d 2001-02-03T04:05:06Z /root/a");
    EXPECT_EQ(diff(before, after), Strings{});
    DiffRequest request;
    request.times = true;
    request.path = "/root/a";
    const std::vector<FileChange> found = changes(before, after, request);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(line_of(found[0]), "~ /root/a times");
}

TEST_F(DiffTest, ADirectoryThatWasMadeAnewHidesWhatWasInIt) {
    const ImageId before = made_by(base(),
                                   "mkdir -p /root/d/e; echo a > /root/d/a; "
                                   "echo b > /root/d/b; echo x > /root/d/e/x");
    // Opaque in the layer.
    const ImageId after = made_by(before, "rm -r /root/d; mkdir /root/d; echo a > /root/d/a");
    EXPECT_EQ(diff(before, after), (Strings{"- /root/d/b", "- /root/d/e", "- /root/d/e/x"}));
}

TEST_F(DiffTest, ADirectoryThatIsGone) {
    const ImageId before = made_by(base(), "mkdir -p /root/d/e; echo x > /root/d/e/x");
    const ImageId after = made_by(before, "rm -r /root/d");
    EXPECT_EQ(diff(before, after), (Strings{"- /root/d", "- /root/d/e", "- /root/d/e/x"}));
    EXPECT_EQ(diff(after, before), (Strings{"+ /root/d", "+ /root/d/e", "+ /root/d/e/x"}));
}

TEST_F(DiffTest, AFileInPlaceOfADirectoryAndTheOtherWayRound) {
    const ImageId before = made_by(base(), "mkdir /root/d; echo x > /root/d/x; echo f > /root/f");
    const ImageId after = made_by(before,
                                  "rm -r /root/d; echo d > /root/d; rm /root/f; mkdir /root/f; "
                                  "echo y > /root/f/y");
    EXPECT_EQ(diff(before, after), (Strings{"~ /root/d type mode", "- /root/d/x",
                                            "~ /root/f type mode", "+ /root/f/y"}));
}

TEST_F(DiffTest, WhatWasUndoneInBetweenIsNoDifference) {
    const ImageId before = made_by(base(), "mkdir /root/d; echo x > /root/d/x");
    const ImageId between = made_by(before, "rm -r /root/d; echo t > /root/t");
    const ImageId after = made_by(between, "mkdir /root/d; echo x > /root/d/x; rm /root/t");
    EXPECT_EQ(diff(before, after), Strings{});
    EXPECT_EQ(diff(before, between), (Strings{"- /root/d", "- /root/d/x", "+ /root/t"}));
}

TEST_F(DiffTest, ImagesOfOneParent) {
    const ImageId parent = made_by(base(), "mkdir /root/d; echo x > /root/d/x");
    const ImageId left = made_by(parent, "echo l > /root/d/l; echo 1 > /root/d/x");
    const ImageId right = made_by(parent, "echo r > /root/d/r; rm /root/d/x");
    EXPECT_EQ(diff(left, right), (Strings{"- /root/d/l", "+ /root/d/r", "- /root/d/x"}));
}

TEST_F(DiffTest, ImagesThatShareNothing) {
    const ImageId before = unrelated("one", {"etc/a", "etc/same", "usr/x/y"});
    const ImageId after = unrelated("two", {"etc/b", "etc/same"});
    EXPECT_EQ(diff(before, after),
              (Strings{"- /etc/a", "+ /etc/b", "- /usr", "- /usr/x", "- /usr/x/y"}));
}

TEST_F(DiffTest, FailedStates) {
    const ImageId before = made_by(base(), "echo a > /root/a");
    const RunResult failed = m_engine.run(shell(before, "echo b > /root/b; exit 1"));
    EXPECT_EQ(diff(before, *failed.failed_state), Strings{"+ /root/b"});
}

TEST_F(DiffTest, OnlyAPlace) {
    const ImageId before = made_by(base(),
                                   "mkdir -p /root/d /root/e; echo x > /root/d/x; "
                                   "ln -s d /root/link; ln -s x /root/d/short");
    const ImageId after = made_by(before, "echo 1 > /root/d/x; echo 2 > /root/e/y");
    EXPECT_EQ(diff(before, after, "/root/e"), Strings{"+ /root/e/y"});
    EXPECT_EQ(diff(before, after, "/root/e/"), Strings{"+ /root/e/y"});
    EXPECT_EQ(diff(before, after, "/root/d/x"), Strings{"~ /root/d/x content"});
    EXPECT_EQ(diff(before, after, "/root/link"), Strings{"~ /root/d/x content"});
    EXPECT_EQ(diff(before, after, "/root/link/x"), Strings{"~ /root/d/x content"});
    EXPECT_EQ(diff(before, after, "/etc"), Strings{});
    EXPECT_EQ(diff(before, after, "/root/e/y"), Strings{"+ /root/e/y"});
    EXPECT_TRUE(contains(error_of([&] { diff(before, after, "/none"); }).message(),
                         "'/none' is in neither of the images"));
}

TEST_F(DiffTest, APlaceInADirectoryThatWasMadeAnew) {
    const ImageId before = made_by(base(), "mkdir -p /root/d/e; echo x > /root/d/e/x");
    const ImageId after =
        made_by(before, "rm -r /root/d; mkdir -p /root/d/e; echo y > /root/d/e/y");
    EXPECT_EQ(diff(before, after, "/root/d/e"), (Strings{"- /root/d/e/x", "+ /root/d/e/y"}));
    const ImageId gone = made_by(before, "rm -r /root/d; echo f > /root/d");
    EXPECT_EQ(diff(before, gone, "/root/d/e"), (Strings{"- /root/d/e", "- /root/d/e/x"}));
}

TEST_F(DiffTest, NamesOfAnyBytes) {
    const ImageId after = made_by(base(), "echo x > \"$(printf '/root/\\377 \\n.x')\"");
    EXPECT_EQ(diff(base(), after), Strings{"+ /root/\xff \n.x"});
}

TEST_F(DiffTest, OwnersOfOtherIds) {
    if (m_ids.mode == sandbox::IdMode::single) {
        GTEST_SKIP() << "there is only one id here";
    }
    const ImageId before =
        made_by(base(), "echo a > /root/a; mkdir -m 700 /root/d; chown 5:6 /root/d");
    const ImageId after = made_by(before, "chown 3:4 /root/a; echo b > /root/d/b");
    const std::vector<FileChange> found = changes(before, after);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(line_of(found[0]), "~ /root/a owner");
    EXPECT_EQ(found[0].after->uid, 3U);
    EXPECT_EQ(found[0].after->gid, 4U);
    EXPECT_EQ(line_of(found[1]), "+ /root/d/b");
}

TEST_F(DiffTest, SourceLayersThatMoveUp) {
    // A stage's source lies on top of what its parent's layers are, also where the parent has it.
    const fs::path source = m_dir / "src";
    make_directories(source);
    write_file_atomically(source / "main.c", "1");
    const auto stage_on = [&](const ImageId& image, const std::string& text) {
        m_engine.scan({.root = source,
                       .exclude = {},
                       .skip = {},
                       .cache_file = m_dir / "cache",
                       .workdir = "/app",
                       .stages = {{"build", {}, m_dir / "build.inputs"}}});
        RunRequest request = shell(image, text);
        request.inputs_digest = inputs_digest(m_dir / "build.inputs");
        request.inputs_file = m_dir / "build.inputs";
        request.source_root = source;
        return *m_engine.run(request).result_image;
    };
    const ImageId install = stage_on(base(), "echo deps > /root/deps");
    const ImageId build = stage_on(install, "echo out > /root/out");
    EXPECT_EQ(diff(install, build), Strings{"+ /root/out"});
    write_file_atomically(source / "main.c", "22");
    EXPECT_EQ(diff(build, stage_on(install, "echo out > /root/out")),
              Strings{"~ /app/main.c content"});
}

// --- Text

class TextDiffTest : public DiffTest {
protected:
    std::vector<FileChange> texts(const std::string& first, const std::string& second,
                                  const TextLimits& limits = {}) {
        const ImageId before = made_by(base(), first);
        DiffRequest request;
        request.text = limits;
        return changes(before, made_by(before, second), request);
    }
};

TEST_F(TextDiffTest, HunksOfAUnifiedDiff) {
    const auto found = texts("printf 'a\\nb\\nc\\n' > /root/t; echo gone > /root/gone",
                             "printf 'a\\nB\\nc' > /root/t; echo new > /root/new; rm /root/gone");
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[0].text, "@@ -1 +0,0 @@\n-gone\n");
    EXPECT_EQ(found[1].text, "@@ -0,0 +1 @@\n+new\n");
    EXPECT_EQ(found[2].text, "@@ -1,3 +1,3 @@\n a\n-b\n-c\n+B\n+c\n\\ No newline at end of file\n");
}

TEST_F(TextDiffTest, NoneOfBinaryAndLargeFiles) {
    const auto found = texts("printf 'a\\000b' > /root/b; echo small > /root/l; echo m > /root/m",
                             "printf 'a\\000c' > /root/b; yes | head -c 200 > /root/l; "
                             "chmod 600 /root/m",
                             {.bytes = 100});
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[0].no_text, "binary");
    EXPECT_EQ(found[1].no_text, "larger than 100 B");
    EXPECT_EQ(found[2].text + found[2].no_text, "");
}

TEST_F(TextDiffTest, NotOfMoreFilesThanAreWanted) {
    const auto found = texts("true > /root/x",
                             "echo 1 > /root/1; echo 2 > /root/2; echo 3 > /root/3", {.files = 2});
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[1].text, "@@ -0,0 +1 @@\n+2\n");
    EXPECT_EQ(found[2].no_text, "after 2 files");
}

TEST_F(TextDiffTest, OfNamesThatLookLikeOptionsOrShell) {
    const auto found = texts("true", "echo x > '/root/-r $(touch x);\"'");
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].text, "@@ -0,0 +1 @@\n+x\n");
}

// --- Layers

class SharedLayersTest : public ::testing::Test {
protected:
    using Layers = std::vector<store::LayerId>;
    Layers layers(const std::string& names) {
        Layers all;
        for (const char name : names) {
            all.push_back(m_known.try_emplace(name, store::LayerId::generate()).first->second);
        }
        return all;
    }
    std::string names(const Layers& all) const {
        std::string text;
        for (const store::LayerId& layer : all) {
            for (const auto& [name, id] : m_known) {
                text += id == layer ? std::string(1, name) : "";
            }
        }
        return text;
    }
    /// "shared/others"
    std::string shared(const std::string& before, const std::string& after) {
        const SharedLayers found = shared_layers(layers(before), layers(after));
        std::string others = names(found.others);
        std::ranges::sort(others);
        return names(found.shared) + "/" + others;
    }
    std::map<char, store::LayerId> m_known;
};

TEST_F(SharedLayersTest, AreThoseInTheSameOrder) {
    EXPECT_EQ(shared("", ""), "/");
    EXPECT_EQ(shared("abc", "abc"), "abc/");
    EXPECT_EQ(shared("ab", "abcd"), "ab/cd");
    EXPECT_EQ(shared("abx", "aby"), "ab/xy");
    EXPECT_EQ(shared("abc", "xyz"), "/abcxyz");
    EXPECT_EQ(shared("", "ab"), "/ab");
    // Source layers move up.
    EXPECT_EQ(shared("asi", "aisb"), "ai/bs");
    EXPECT_EQ(shared("abcd", "bcda"), "bcd/a");
}

}  // namespace
}  // namespace mstage::engine
