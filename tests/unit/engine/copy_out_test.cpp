// Taking files out of images.

#include <sys/stat.h>

#include <algorithm>

#include "base/staging_directory.hpp"
#include "engine_fixture.hpp"

namespace mstage::engine {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::error_of;
using Paths = std::vector<fs::path>;

class CopyOutTest : public EngineTest {
protected:
    Paths copy(const ImageId& image, const std::vector<std::string>& patterns,
               const fs::path& destination) {
        Paths files =
            m_engine.copy_out(m_engine.image(image), patterns, destination, NoMatch::error);
        std::ranges::sort(files);
        return files;
    }
    /// /app/dist with a.whl, b.whl, .hidden.whl, notes.txt, link and sub/deep.
    ImageId image_with_files() {
        return made_by(base(),
                       "mkdir -p /app/dist/sub; cd /app/dist; echo a > a.whl; echo b > b.whl; echo "
                       "h > .hidden.whl; "
                       "echo n > notes.txt; ln -s a.whl link; echo d > sub/deep; chmod 750 a.whl; "
                       "touch -d 2001-02-03T04:05:06Z a.whl");
    }
};

TEST_F(CopyOutTest, CopiesAFileToAName) {
    EXPECT_EQ(copy(image_with_files(), {"/app/dist/a.whl"}, m_dir / "mine"), Paths{m_dir / "mine"});
    EXPECT_EQ(read_file(m_dir / "mine"), "a\n");
    struct stat info {};
    ASSERT_EQ(::stat((m_dir / "mine").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0750U);
    EXPECT_EQ(info.st_mtim.tv_sec, 981173106);
    EXPECT_EQ(info.st_uid, ::geteuid());
}

TEST_F(CopyOutTest, CopiesWhatMatchesIntoADirectory) {
    EXPECT_EQ(copy(image_with_files(), {"/app/*/*.whl", "/app/dist/note[st].txt"}, m_dir / "out"),
              (Paths{m_dir / "out/a.whl", m_dir / "out/b.whl", m_dir / "out/notes.txt"}));
    EXPECT_EQ(read_file(m_dir / "out/b.whl"), "b\n");
}

TEST_F(CopyOutTest, CopiesASingleMatchOfAPatternIntoADirectoryToo) {
    const ImageId image = image_with_files();
    EXPECT_EQ(copy(image, {"/app/dist/a.*"}, m_dir / "out"), Paths{m_dir / "out/a.whl"});
    EXPECT_EQ(copy(image, {"/app/dist/a.whl"}, m_dir / "slash/"), Paths{m_dir / "slash/a.whl"});
    fs::create_directory(m_dir / "there");
    EXPECT_EQ(copy(image, {"/app/dist/a.whl"}, m_dir / "there"), Paths{m_dir / "there/a.whl"});
}

TEST_F(CopyOutTest, CopiesDirectoriesWithAllThatIsInThem) {
    const Paths files = copy(image_with_files(), {"/app/dist"}, m_dir / "out");
    EXPECT_EQ(files.size(), 6U);
    EXPECT_EQ(read_file(m_dir / "out/sub/deep"), "d\n");
    EXPECT_EQ(read_file(m_dir / "out/.hidden.whl"), "h\n");
    EXPECT_EQ(fs::read_symlink(m_dir / "out/link"), "a.whl");
}

TEST_F(CopyOutTest, FillsADirectoryThatIsThere) {
    fs::create_directories(m_dir / "out/dist");
    write_file_atomically(m_dir / "out/dist/mine", "stays");
    write_file_atomically(m_dir / "out/dist/a.whl", "goes");
    copy(image_with_files(), {"/app/dist"}, m_dir / "out");
    EXPECT_EQ(read_file(m_dir / "out/dist/mine"), "stays");
    EXPECT_EQ(read_file(m_dir / "out/dist/a.whl"), "a\n");
}

TEST_F(CopyOutTest, WritesThroughNoLinkThatIsInTheWay) {
    write_file_atomically(m_dir / "precious", "precious");
    fs::create_directories(m_dir / "precious-dir");
    fs::create_directories(m_dir / "out/dist");
    fs::create_symlink(m_dir / "precious", m_dir / "out/dist/a.whl");
    fs::create_symlink(m_dir / "precious", m_dir / "out/dist/link");
    fs::create_directory_symlink(m_dir / "precious-dir", m_dir / "out/dist/sub");
    copy(image_with_files(), {"/app/dist"}, m_dir / "out");
    EXPECT_EQ(read_file(m_dir / "precious"), "precious");
    EXPECT_TRUE(fs::is_empty(m_dir / "precious-dir"));
    EXPECT_EQ(read_file(m_dir / "out/dist/a.whl"), "a\n");
    EXPECT_EQ(read_file(m_dir / "out/dist/sub/deep"), "d\n");
    EXPECT_EQ(fs::read_symlink(m_dir / "out/dist/link"), "a.whl");
}

TEST_F(CopyOutTest, FollowsALinkThatIsNamedAsAFilesDestination) {
    const ImageId image = image_with_files();
    write_file_atomically(m_dir / "target", "old");
    fs::create_symlink("target", m_dir / "to-file");
    EXPECT_EQ(copy(image, {"/app/dist/a.whl"}, m_dir / "to-file"), Paths{m_dir / "target"});
    EXPECT_EQ(read_file(m_dir / "target"), "a\n");
    EXPECT_TRUE(fs::is_symlink(m_dir / "to-file"));
    fs::create_symlink("nowhere", m_dir / "dangling");
    EXPECT_TRUE(
        contains(error_of([&] { copy(image, {"/app/dist/a.whl"}, m_dir / "dangling"); }).message(),
                 "leads nowhere"));
    EXPECT_TRUE(contains(error_of([&] { copy(image, {"/app/dist/a.whl"}, "/dev/null"); }).message(),
                         "a device"));
    EXPECT_FALSE(fs::exists(m_dir / "nowhere"));
    copy(image, {"/app/dist/link"}, m_dir / "dangling");
    EXPECT_EQ(fs::read_symlink(m_dir / "dangling"), "a.whl") << "a link takes the link's place";
}

TEST_F(CopyOutTest, ReplacesAFileThatIsInUseAsAWhole) {
    write_file_atomically(m_dir / "mine", "old");
    const Fd reader = open_fd(m_dir / "mine", O_RDONLY);
    copy(image_with_files(), {"/app/dist/a.whl"}, m_dir / "mine");
    EXPECT_EQ(read_all(reader.get()), "old");
    EXPECT_EQ(read_file(m_dir / "mine"), "a\n");
}

TEST_F(CopyOutTest, TakesAwayWhatAKilledOneLeft) {
    const fs::path out = m_dir / "killed";
    fs::create_directories(out);
    test::Process victim([&]() -> int {
        const StagingDirectory staging(out);
        const AtomicFile file(out / "passwd", NameIsLink::replaced, staging.path());
        ::raise(SIGKILL);
        return 0;
    });
    victim.wait();
    EXPECT_FALSE(fs::is_empty(out));
    m_engine.copy_out(m_engine.image(base()), {"/etc/passwd"}, out / "passwd", NoMatch::error);
    EXPECT_EQ(std::distance(fs::directory_iterator(out), {}), 1);
    EXPECT_TRUE(fs::exists(out / "passwd"));
}

TEST_F(CopyOutTest, CopiesALinkAsALink) {
    const ImageId image = made_by(base(), "ln -s /etc/passwd /root/l; ln -s /root /root/d");
    copy(image, {"/root/l"}, m_dir / "l");
    EXPECT_EQ(fs::read_symlink(m_dir / "l"), "/etc/passwd");
    EXPECT_EQ(copy(image, {"/root/d/l*"}, m_dir / "out"), Paths{m_dir / "out/l"})
        << "on the way, links are followed";
}

TEST_F(CopyOutTest, DropsSetIdBits) {
    const ImageId image = made_by(base(), "echo x > /root/f; chmod 6755 /root/f");
    copy(image, {"/root/f"}, m_dir / "f");
    EXPECT_EQ(fs::status(m_dir / "f").permissions(), fs::perms(0755));
}

TEST_F(CopyOutTest, NamesThePatternThatMatchesNothing) {
    const ImageId image = image_with_files();
    for (const char* pattern : {"/none", "/app/dist/*.exe", "/app/dist/*/none", "/etc/passwd/x"}) {
        EXPECT_EQ(error_of([&] {
                      copy(image, {"/app/dist/a.whl", pattern}, m_dir / "out");
                  }).message(),
                  fmt::format("nothing in the image matches '{}'", pattern));
    }
    EXPECT_FALSE(fs::exists(m_dir / "out"));
}

TEST_F(CopyOutTest, RefusesWhatCannotBeCopied) {
    const ImageId image = made_by(base(), "mkfifo /root/p");
    EXPECT_TRUE(contains(error_of([&] { copy(image, {"/root/p"}, m_dir / "p"); }).message(),
                         "neither file, directory nor link"));
}

}  // namespace
}  // namespace mstage::engine
