#include "base/atomic_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.hpp"
#include "base/lock.hpp"
#include "support.hpp"

namespace mstage {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::error_of;
using test::TempDir;

size_t entries_in(const fs::path& directory) {
    return static_cast<size_t>(std::distance(fs::directory_iterator(directory), {}));
}

void replace(const fs::path& path, NameIsLink links) {
    AtomicFile file(path, links);
    file.write("new");
    file.commit();
}

TEST(AtomicFile, IsSeenWhenItIsWhole) {
    const TempDir dir;
    write_file_atomically(dir / "f", "old");
    AtomicFile file(dir / "f");
    file.write("ne");
    AtomicFile moved(std::move(file));
    moved.write("w");
    EXPECT_EQ(read_file(dir / "f"), "old");
    moved.commit(Durable::yes);
    EXPECT_EQ(read_file(dir / "f"), "new");
    EXPECT_EQ(entries_in(dir.path()), 1U);
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
    const TempDir dir;
    { AtomicFile(dir / "f").write("half"); }
    EXPECT_EQ(entries_in(dir.path()), 0U);
    EXPECT_EQ(error_of<SysError>([&] { AtomicFile(dir / "none/f"); }).number(), ENOENT);
}

TEST(AtomicFile, IsAsPublicAsTheUmaskAllowsOrAsItsWriterSays) {
    const TempDir dir;
    const mode_t before = ::umask(027);
    AtomicFile plain(dir / "plain");
    AtomicFile own(dir / "own");
    ::umask(before);
    ::fchmod(own.fd(), 0755);
    plain.commit();
    own.commit();
    EXPECT_EQ(fs::status(dir / "plain").permissions(), fs::perms(0640));
    EXPECT_EQ(fs::status(dir / "own").permissions(), fs::perms(0755));
}

TEST(AtomicFile, CanTakeANameThatFollowsFromItsContent) {
    const TempDir dir;
    fs::create_directory(dir / "sub");
    AtomicFile file(dir / "f");
    file.write("x");
    file.commit_as(dir / "sub/x");
    EXPECT_EQ(read_file(dir / "sub/x"), "x");
    EXPECT_EQ(entries_in(dir.path()), 1U);
}

TEST(AtomicFile, TakesTheLongestName) {
    const TempDir dir;
    const std::string name(255, 'x');
    replace(dir / name, NameIsLink::refused);
    EXPECT_EQ(read_file(dir / name), "new");
}

TEST(AtomicFile, ReplacesRegularFilesOnly) {
    const TempDir dir;
    fs::create_directory(dir / "directory");
    ASSERT_EQ(::mkfifo((dir / "fifo").c_str(), 0600), 0);
    for (const NameIsLink links :
         {NameIsLink::refused, NameIsLink::followed, NameIsLink::replaced}) {
        for (const auto& [path, kind] : {std::pair{dir / "directory", "a directory"},
                                         {dir / "fifo", "a FIFO"},
                                         {fs::path("/dev/null"), "a device"}}) {
            const auto error = error_of<UsageError>([&] { replace(path, links); });
            EXPECT_TRUE(contains(error.message(), path.native())) << error.message();
            EXPECT_TRUE(contains(error.message(), kind)) << error.message();
            EXPECT_FALSE(error.hint().empty());
        }
    }
    EXPECT_EQ(entries_in(dir.path()), 2U);
}

TEST(AtomicFile, RefusesFollowsOrReplacesALink) {
    const TempDir dir;
    fs::create_directory(dir / "sub");
    write_file_atomically(dir / "sub/target", "old");
    fs::create_symlink("sub/target", dir / "link");
    const auto error = error_of<UsageError>([&] { replace(dir / "link", NameIsLink::refused); });
    EXPECT_TRUE(contains(error.message(), "a symbolic link")) << error.message();
    EXPECT_EQ(read_file(dir / "sub/target"), "old");

    replace(dir / "link", NameIsLink::followed);
    EXPECT_EQ(read_file(dir / "sub/target"), "new");
    EXPECT_TRUE(fs::is_symlink(dir / "link"));

    write_file_atomically(dir / "sub/target", "old");
    replace(dir / "link", NameIsLink::replaced);
    EXPECT_EQ(read_file(dir / "sub/target"), "old");
    EXPECT_FALSE(fs::is_symlink(dir / "link"));
    EXPECT_EQ(read_file(dir / "link"), "new");
}

TEST(AtomicFile, FollowsNoLinkToAnythingButAFile) {
    const TempDir dir;
    fs::create_symlink("nowhere", dir / "dangling");
    fs::create_symlink("/dev/null", dir / "device");
    EXPECT_TRUE(contains(
        error_of<UsageError>([&] { replace(dir / "dangling", NameIsLink::followed); }).message(),
        "leads nowhere"));
    EXPECT_TRUE(contains(
        error_of<UsageError>([&] { replace(dir / "device", NameIsLink::followed); }).message(),
        "a device"));
    EXPECT_EQ(entries_in(dir.path()), 2U);
}

TEST(AtomicFile, FollowsNoLinkOfAStrangerInADirectoryOfAll) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can give a link to somebody else";
    }
    const TempDir dir;
    fs::create_directory(dir / "all");
    ASSERT_EQ(::chmod((dir / "all").c_str(), 01777), 0);
    write_file_atomically(dir / "target", "old");
    fs::create_symlink("../target", dir / "all/mine");
    replace(dir / "all/mine", NameIsLink::followed);
    EXPECT_EQ(read_file(dir / "target"), "new");

    write_file_atomically(dir / "target", "old");
    ASSERT_EQ(::lchown((dir / "all/mine").c_str(), 4711, 4711), 0);
    fs::create_symlink("all/mine", dir / "by-way");
    for (const fs::path& link : {dir / "all/mine", dir / "by-way"}) {
        const auto error = error_of<UsageError>([&] { replace(link, NameIsLink::followed); });
        EXPECT_TRUE(contains(error.message(), "of another user (id 4711)")) << error.message();
        EXPECT_TRUE(contains(error.message(), "all/mine")) << error.message();
    }
    EXPECT_EQ(read_file(dir / "target"), "old");
    ASSERT_EQ(::chmod((dir / "all").c_str(), 0755), 0);
    replace(dir / "all/mine", NameIsLink::followed);
    EXPECT_EQ(read_file(dir / "target"), "new");
}

TEST(AtomicFile, CanBeWrittenElsewhere) {
    const TempDir dir;
    fs::create_directory(dir / "elsewhere");
    AtomicFile file(dir / "f", NameIsLink::refused, dir / "elsewhere");
    EXPECT_EQ(entries_in(dir.path()), 1U);
    EXPECT_EQ(entries_in(dir / "elsewhere"), 1U);
    file.write("new");
    file.commit();
    EXPECT_EQ(read_file(dir / "f"), "new");
    EXPECT_EQ(entries_in(dir / "elsewhere"), 0U);
}

TEST(RemoveDeadTemporaries, TellsTheDeadByTheirLocks) {
    const TempDir dir;
    write_file_atomically(dir / "file~mstage-dead01", "half");
    write_file_atomically(dir / "file~mstage-notours", "a file");
    write_file_atomically(dir / "file.mstage-backup", "a file");
    write_file_atomically(dir / "file", "whole");
    AtomicFile living(dir / "file");
    remove_dead_temporaries(dir.path());
    EXPECT_FALSE(fs::exists(dir / "file~mstage-dead01"));
    EXPECT_TRUE(fs::exists(dir / "file~mstage-notours"));
    EXPECT_TRUE(fs::exists(dir / "file.mstage-backup"));
    living.commit();
    EXPECT_EQ(read_file(dir / "file"), "");
    EXPECT_EQ(entries_in(dir.path()), 3U);
}

}  // namespace
}  // namespace mstage
