#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.hpp"
#include "support.hpp"

namespace mstage {
namespace {

namespace fs = std::filesystem;
using test::TempDir;

TEST(RemoveTree, RemovesFilesDirectoriesAndEveryOtherThing) {
    const TempDir dir;
    fs::create_directories(dir / "t/a/b");
    fs::create_directories(dir / "t/empty");
    write_file_atomically(dir / "t/a/b/f", "x");
    write_file_atomically(dir / "t/new\nline", "x");
    fs::create_symlink("nowhere", dir / "t/dangling");
    ASSERT_EQ(::mkfifo((dir / "t/fifo").c_str(), 0600), 0);
    remove_tree(dir / "t");
    EXPECT_FALSE(fs::exists(fs::symlink_status(dir / "t")));
}

TEST(RemoveTree, TakesWhatIsNotThereForSuccess) {
    const TempDir dir;
    remove_tree(dir / "none");
    remove_tree(dir / "none/none");
}

TEST(RemoveTree, RemovesASingleFile) {
    const TempDir dir;
    write_file_atomically(dir / "f", "x");
    remove_tree(dir / "f");
    EXPECT_FALSE(fs::exists(dir / "f"));
}

TEST(RemoveTree, FollowsNoLinks) {
    const TempDir dir;
    fs::create_directories(dir / "precious/sub");
    write_file_atomically(dir / "precious/sub/f", "x");
    fs::create_directories(dir / "t");
    fs::create_directory_symlink(dir / "precious", dir / "t/link");
    fs::create_directory_symlink(dir / "precious", dir / "top-link");
    remove_tree(dir / "t");
    remove_tree(dir / "top-link");
    EXPECT_FALSE(fs::exists(fs::symlink_status(dir / "top-link")));
    EXPECT_EQ(read_file(dir / "precious/sub/f"), "x");
}

TEST(RemoveTree, OpensDirectoriesWithoutPermissions) {
    const TempDir dir;
    fs::create_directories(dir / "t/work/work");
    write_file_atomically(dir / "t/work/f", "x");
    fs::create_directories(dir / "t/read-only/inner");
    write_file_atomically(dir / "t/read-only/f", "x");
    ::chmod((dir / "t/work/work").c_str(), 0);
    ::chmod((dir / "t/work").c_str(), 0);
    ::chmod((dir / "t/read-only").c_str(), 0500);
    ::chmod((dir / "t").c_str(), 0);
    remove_tree(dir / "t");
    EXPECT_FALSE(fs::exists(dir / "t"));
}

TEST(RemoveTree, GoesDeeperThanAnyPathCanBeLong) {
    const TempDir dir;
    const std::string name(100, 'd');
    Fd at = open_fd(dir.path(), O_RDONLY | O_DIRECTORY);
    for (int level = 0; level < 1500; ++level) {
        ASSERT_EQ(::mkdirat(at.get(), name.c_str(), 0700), 0);
        at = open_at(at.get(), name, O_RDONLY | O_DIRECTORY);
    }
    at.close();
    remove_tree(dir / name);
    EXPECT_FALSE(fs::exists(dir / name));
}

TEST(RemoveTree, RemovesManyEntries) {
    const TempDir dir;
    fs::create_directory(dir / "t");
    for (int number = 0; number < 3000; ++number) {
        open_fd(dir / "t" / std::to_string(number), O_WRONLY | O_CREAT, 0600);
    }
    remove_tree(dir / "t");
    EXPECT_FALSE(fs::exists(dir / "t"));
}

TEST(RemoveTree, SaysWhatItWasRemovingWhenItMayNot) {
    if (::geteuid() == 0) {
        GTEST_SKIP() << "root may remove everything";
    }
    const auto error = test::error_of<SysError>([] { remove_tree("/etc/passwd"); });
    EXPECT_TRUE(test::contains(error.message(), "removing '/etc/passwd'")) << error.message();
    EXPECT_TRUE(fs::exists("/etc/passwd"));
}

TEST(RemoveTreeAt, LooksInTheDirectory) {
    const TempDir dir;
    fs::create_directories(dir / "t/a");
    const Fd parent = open_fd(dir.path(), O_RDONLY | O_DIRECTORY);
    remove_tree_at(parent.get(), "t");
    remove_tree_at(parent.get(), "t");
    EXPECT_FALSE(fs::exists(dir / "t"));
}

}  // namespace
}  // namespace mstage
