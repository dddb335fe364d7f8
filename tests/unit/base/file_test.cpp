#include "base/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.hpp"
#include "support.hpp"

namespace mstage {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TempDir;

struct stat look(const fs::path& path) {
    struct stat info {};
    EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
    return info;
}

void make_old(const fs::path& path) {
    const timespec times[2] = {{1000000000, 5}, {1000000000, 5}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
}

size_t entries_in(const fs::path& directory) {
    return static_cast<size_t>(std::distance(fs::directory_iterator(directory), {}));
}

TEST(ReadFile, GivesAllBytes) {
    const TempDir dir;
    const std::string bytes("a\0\xff\nb", 5);
    write_file_atomically(dir / "f", bytes);
    EXPECT_EQ(read_file(dir / "f"), bytes);
    EXPECT_EQ(read_file_if_exists(dir / "f"), bytes);
}

TEST(ReadFile, NamesTheFileThatIsNotThere) {
    const TempDir dir;
    EXPECT_TRUE(test::contains(error_of([&] { read_file(dir / "none"); }).message(),
                               (dir / "none").native()));
}

TEST(ReadFileIfExists, IsNothingWithoutFileOrDirectory) {
    const TempDir dir;
    write_file_atomically(dir / "f", "");
    EXPECT_FALSE(read_file_if_exists(dir / "none"));
    EXPECT_FALSE(read_file_if_exists(dir / "none/none"));
    EXPECT_FALSE(read_file_if_exists(dir / "f/none"));
    EXPECT_EQ(read_file_if_exists(dir / "f"), "");
}

TEST(ReadFileIfExists, IsAnErrorForADirectory) {
    const TempDir dir;
    const auto error = error_of<SysError>([&] { read_file_if_exists(dir.path()); });
    EXPECT_EQ(error.number(), EISDIR);
    EXPECT_TRUE(test::contains(error.message(), dir.path().native()));
}

TEST(WriteFileAtomically, ReplacesTheFileWithANewOne) {
    const TempDir dir;
    write_file_atomically(dir / "f", "old");
    make_old(dir / "f");
    const struct stat before = look(dir / "f");
    const Fd reader = open_fd(dir / "f", O_RDONLY);
    write_file_atomically(dir / "f", "new", Durable::yes);
    EXPECT_EQ(read_file(dir / "f"), "new");
    EXPECT_EQ(read_all(reader.get()), "old") << "a reader sees the file that it opened";
    EXPECT_NE(look(dir / "f").st_ino, before.st_ino);
    EXPECT_GT(look(dir / "f").st_mtim.tv_sec, before.st_mtim.tv_sec);
    EXPECT_EQ(entries_in(dir.path()), 1U) << "nothing stays beside it";
}

TEST(WriteFileAtomically, IsAsPublicAsTheUmaskAllows) {
    const TempDir dir;
    const mode_t before = ::umask(027);
    write_file_atomically(dir / "f", "x");
    ::umask(before);
    EXPECT_EQ(look(dir / "f").st_mode & 07777, 0640U);
}

TEST(WriteFileIfChanged, KeepsTheTimeOfAFileThatSaysTheSame) {
    const TempDir dir;
    EXPECT_TRUE(write_file_if_changed(dir / "f", "a"));
    make_old(dir / "f");
    EXPECT_FALSE(write_file_if_changed(dir / "f", "a"));
    EXPECT_EQ(look(dir / "f").st_mtim.tv_sec, 1000000000);
    EXPECT_TRUE(write_file_if_changed(dir / "f", "b"));
    EXPECT_NE(look(dir / "f").st_mtim.tv_sec, 1000000000);
}

TEST(WriteFileIfChanged, MakesAnEmptyFileThatWasMissing) {
    const TempDir dir;
    EXPECT_TRUE(write_file_if_changed(dir / "f", ""));
    EXPECT_TRUE(fs::exists(dir / "f"));
}

TEST(MakeDirectories, MakesWhatIsMissingWithTheMode) {
    const TempDir dir;
    make_directories(dir / "a/b", 0700);
    make_directories(dir / "a/b", 0755);
    EXPECT_EQ(look(dir / "a").st_mode & 07777, 0700U);
    EXPECT_EQ(look(dir / "a/b").st_mode & 07777, 0700U) << "what is there stays";
}

TEST(MakeDirectories, SaysWhatIsInTheWay) {
    const TempDir dir;
    write_file_atomically(dir / "f", "");
    const auto error = error_of<SysError>([&] { make_directories(dir / "f/a"); });
    EXPECT_EQ(error.number(), ENOTDIR);
}

TEST(MakeTemporaryDirectory, IsPrivateAndNew) {
    const TempDir dir;
    const fs::path first = make_temporary_directory(dir.path(), "x-");
    const fs::path second = make_temporary_directory(dir.path(), "x-");
    EXPECT_NE(first, second);
    EXPECT_TRUE(first.filename().native().starts_with("x-"));
    EXPECT_EQ(look(first).st_mode & 07777, 0700U);
    EXPECT_EQ(error_of<SysError>([&] { make_temporary_directory(dir / "none", "x"); }).number(),
              ENOENT);
}

TEST(DeadTemporaries, AreNotThoseOfWritersAtWork) {
    const test::TempDir dir;
    test::Process sweeper([&] {
        while (true) {
            remove_dead_temporaries(dir.path());
        }
        return 0;
    });
    for (int i = 0; i < 300; ++i) {
        write_file_atomically(dir / "file", std::to_string(i));
    }
    EXPECT_EQ(read_file(dir / "file"), "299");
}

}  // namespace
}  // namespace mstage
