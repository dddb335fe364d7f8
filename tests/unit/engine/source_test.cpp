// Source files in images.

#include <sys/stat.h>

#include "engine_fixture.hpp"

namespace mstage::engine {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::error_of;

class SourceTest : public EngineTest {
protected:
    SourceTest() {
        write("main.c", "int main;");
        write("lib/a.c", "a");
        write("notes.txt", "n");
        write("build/out", "o");
    }
    void write(const std::string& path, const std::string& content) const {
        make_directories((m_dir / "src" / path).parent_path());
        write_file_atomically(m_dir / "src" / path, content);
    }
    SourceReport scan(const std::optional<std::vector<std::string>>& patterns = {},
                      size_t max_watched = 1000) {
        return m_engine.scan({.root = m_dir / "src",
                              .exclude = {"*.txt"},
                              .skip = {m_dir / "src/build"},
                              .cache_file = m_dir / "cache",
                              .workdir = "/app",
                              .stages = {{"build", patterns, m_dir / "build.inputs"}},
                              .max_watched = max_watched});
    }
    std::vector<InputsLook> look(const std::optional<std::vector<std::string>>& patterns = {}) {
        make_directories(m_dir / "scratch");
        return m_engine.look({.root = m_dir / "src",
                              .exclude = {"*.txt"},
                              .skip = {m_dir / "src/build"},
                              .cache_file = m_dir / "cache",
                              .workdir = "/app",
                              .stages = {{"build", patterns, m_dir / "build.inputs"}}},
                             m_dir / "scratch");
    }
    RunRequest request(const std::string& text) {
        RunRequest request = shell(base(), text);
        request.inputs_digest = inputs_digest(m_dir / "build.inputs");
        request.inputs_file = m_dir / "build.inputs";
        request.source_root = m_dir / "src";
        request.workdir = "/app";
        return request;
    }
    std::string output_with_source(const std::string& text) {
        RunRequest with_source = request(text);
        with_source.disposable = true;
        return read_file(m_engine.run(with_source).log);
    }
};

TEST_F(SourceTest, IsLookedAtWithoutAChange) {
    const auto first = look();
    ASSERT_EQ(first.size(), 1U);
    EXPECT_EQ(first[0].inputs_file, m_dir / "scratch/build.inputs");
    EXPECT_FALSE(fs::exists(m_dir / "cache"));
    EXPECT_EQ(entries_in("snapshots"), 0U);
    scan();
    EXPECT_EQ(inputs_digest(m_dir / "build.inputs"), first[0].digest);
    EXPECT_EQ(look()[0].inputs_file, m_dir / "build.inputs") << "which says it already";
    scan();
    EXPECT_EQ(look()[0].digest, first[0].digest);
    const std::string cache = read_file(m_dir / "cache");
    write("main.c", "edited");
    const auto edited = look();
    EXPECT_EQ(edited[0].inputs_file, m_dir / "scratch/build.inputs");
    EXPECT_EQ(inputs_digest(edited[0].inputs_file), edited[0].digest);
    EXPECT_NE(edited[0].digest, first[0].digest);
    EXPECT_NE(look({{"lib/"}})[0].digest, edited[0].digest);
    EXPECT_EQ(inputs_digest(m_dir / "build.inputs"), first[0].digest);
    EXPECT_EQ(read_file(m_dir / "cache"), cache);
    scan();
    EXPECT_EQ(inputs_digest(m_dir / "build.inputs"), edited[0].digest);
}

TEST_F(SourceTest, LiesAtTheWorkingDirectory) {
    scan();
    EXPECT_EQ(output_with_source("cat main.c; ls -A /app /app/lib"),
              "int main;/app:\nlib\nmain.c\n\n/app/lib:\na.c\n");
}

TEST_F(SourceTest, ListsStayKnownByTheirDigest) {
    scan();
    const std::string first = inputs_digest(m_dir / "build.inputs");
    write("main.c", "int other;");
    scan();
    const auto before = m_engine.input_list(first);
    const auto after = m_engine.input_list(inputs_digest(m_dir / "build.inputs"));
    ASSERT_TRUE(before && after);
    ASSERT_EQ(before->size(), 3U);
    EXPECT_EQ(before->at(2).path, "main.c");
    EXPECT_EQ(before->at(1), after->at(1));
    EXPECT_NE(before->at(2).hash, after->at(2).hash);
    EXPECT_FALSE(m_engine.input_list(std::string(64, '0')));
    // One that was lost comes back without a change of the source.
    fs::remove(m_dir / "store/inputs" / first);
    write("main.c", "int main;");
    scan();
    EXPECT_TRUE(m_engine.input_list(first));
    fs::remove(m_dir / "store/inputs" / first);
    scan();
    EXPECT_TRUE(m_engine.input_list(first));
}

TEST_F(SourceTest, IsOnlyWhatAStageDeclares) {
    scan({{"lib/"}});
    EXPECT_EQ(output_with_source("ls -A /app"), "lib\n");
}

TEST_F(SourceTest, IsPartOfTheResult) {
    scan();
    const ImageId image =
        m_engine.run(request("echo more >> main.c; echo o > out")).result_image.value();
    EXPECT_EQ(content_of(image, "/app/main.c"), "int main;more\n");
    EXPECT_EQ(content_of(image, "/app/lib/a.c"), "a");
    EXPECT_EQ(read_file(m_dir / "src/main.c"), "int main;");
    EXPECT_FALSE(fs::exists(m_dir / "src/out"));
}

TEST_F(SourceTest, MakesAnImageEvenWhenTheCommandWritesNothing) {
    scan();
    const RunResult result = m_engine.run(request("true"));
    ASSERT_TRUE(result.result_image);
    EXPECT_FALSE(result.filesystem_changed);
    EXPECT_NE(*result.result_image, base());
    EXPECT_EQ(content_of(*result.result_image, "/app/main.c"), "int main;");
}

TEST_F(SourceTest, DigestFileChangesWithTheFilesOnly) {
    EXPECT_EQ(scan().changed, std::vector<std::string>{"build"});
    const std::string first = inputs_digest(m_dir / "build.inputs");
    EXPECT_TRUE(scan().changed.empty());
    write("notes.txt", "other");
    EXPECT_TRUE(scan().changed.empty());
    write("main.c", "int main();");
    EXPECT_EQ(scan().changed, std::vector<std::string>{"build"});
    EXPECT_NE(inputs_digest(m_dir / "build.inputs"), first);
    EXPECT_EQ(output_with_source("cat main.c"), "int main();");
}

TEST_F(SourceTest, FileThatWasRemovedIsGone) {
    scan();
    fs::remove(m_dir / "src/main.c");
    scan();
    EXPECT_EQ(output_with_source("ls -A /app"), "lib\n");
}

TEST_F(SourceTest, SnapshotIsMadeAgainWhenTheStoreLostIt) {
    scan();
    for (const auto& entry : fs::directory_iterator(m_dir / "store/snapshots")) {
        remove_tree(entry.path());
    }
    EXPECT_EQ(output_with_source("cat main.c"), "int main;");
}

TEST_F(SourceTest, WatchesFilesAndDirectoriesButNotTheBuildTree) {
    const SourceReport report = scan();
    const std::string watched = fmt::format("{}\n", fmt::join(report.watched.value(), "\n"));
    EXPECT_TRUE(contains(watched, (m_dir / "src/main.c").native() + "\n"));
    EXPECT_TRUE(contains(watched, (m_dir / "src/lib").native() + "\n"));
    EXPECT_FALSE(contains(watched, "build/out"));
}

TEST_F(SourceTest, NamesNothingToWatchWhenThatWouldBeTooMuch) {
    EXPECT_FALSE(scan({}, 2).watched);
    EXPECT_FALSE(scan({}, 0).watched);
}

TEST_F(SourceTest, WarnsAboutAPatternThatMatchesNothing) {
    const SourceReport report = scan({{"lib", "none/*.c"}});
    ASSERT_EQ(report.warnings.size(), 1U);
    EXPECT_TRUE(contains(report.warnings.front(), "'none/*.c' matches nothing"))
        << report.warnings.front();
}

TEST_F(SourceTest, NeedsADigestFileThatIsWhole) {
    const Error error = error_of([&] { inputs_digest(m_dir / "none.inputs"); });
    EXPECT_TRUE(contains(error.message(), "none.inputs' is missing or not whole"))
        << error.message();
    EXPECT_TRUE(contains(error.hint(), "through the build tool"));
    write_file_atomically(m_dir / "build.inputs", "mstage-inputs 1\n");
    error_of([&] { m_engine.run(request("true")); });
}

}  // namespace
}  // namespace mstage::engine
