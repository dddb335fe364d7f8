#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "archive/archive_test.hpp"
#include "base/process.hpp"

namespace mstage::archive {
namespace {

namespace fs = std::filesystem;
using test::ArchiveTest;
using test::in_user_namespace;

class CopyTree : public ArchiveTest {
protected:
    void SetUp() override {
        ArchiveTest::SetUp();
        m_source = make_beside("source");
    }

    Imported copy() const {
        return copy_tree(open_fd(m_source, O_RDONLY | O_DIRECTORY).get(),
                         open_fd(target(), O_RDONLY | O_DIRECTORY).get(), options());
    }

    void make(const std::string& name, const std::string& data, mode_t mode = 0644) const {
        fs::create_directories((m_source / name).parent_path());
        write_file_atomically(m_source / name, data);
        ::chmod((m_source / name).c_str(), mode);
    }

    fs::path m_source;
};

TEST_F(CopyTree, CopiesATree) {
    make("usr/bin/tool", "data", 04711);
    make("etc/empty", "");
    fs::create_symlink("usr/bin", m_source / "bin");
    ::mkfifo((m_source / "fifo").c_str(), 0600);
    ::chmod((m_source / "etc").c_str(), 0500);
    ::chmod(m_source.c_str(), 0711);
    const Imported result = copy();
    EXPECT_EQ(result.entries, 8U);
    EXPECT_EQ(result.bytes, 4U);
    EXPECT_EQ(content("usr/bin/tool"), "data");
    EXPECT_EQ(mode("usr/bin/tool"), 04711U);
    EXPECT_EQ(mode("etc"), 0500U);
    EXPECT_EQ(mode("."), 0711U);
    EXPECT_EQ(fs::read_symlink(target() / "bin"), "usr/bin");
    EXPECT_TRUE(S_ISFIFO(look("fifo").st_mode));
}

TEST_F(CopyTree, KeepsTimesOfFilesAndDirectories) {
    make("dir/file", "x");
    const timespec times[2] = {{1, 2}, {1234567890, 123456789}};
    ::utimensat(AT_FDCWD, (m_source / "dir/file").c_str(), times, 0);
    ::utimensat(AT_FDCWD, (m_source / "dir").c_str(), times, 0);
    copy();
    for (const char* name : {"dir", "dir/file"}) {
        EXPECT_EQ(look(name).st_mtim.tv_sec, 1234567890) << name;
        EXPECT_EQ(look(name).st_mtim.tv_nsec, 123456789) << name;
    }
}

TEST_F(CopyTree, KeepsHardLinks) {
    make("a/one", "x");
    fs::create_directory(m_source / "b");
    fs::create_hard_link(m_source / "a/one", m_source / "b/two");
    fs::create_symlink("nowhere", m_source / "link");
    ASSERT_EQ(
        ::linkat(AT_FDCWD, (m_source / "link").c_str(), AT_FDCWD, (m_source / "b/link").c_str(), 0),
        0);
    copy();
    EXPECT_EQ(look("a/one").st_ino, look("b/two").st_ino);
    EXPECT_EQ(look("link").st_ino, look("b/link").st_ino);
    EXPECT_EQ(look("a/one").st_nlink, 2U);
}

TEST_F(CopyTree, KeepsHoles) {
    make("sparse", "");
    const Fd file = open_fd(m_source / "sparse", O_WRONLY);
    ASSERT_EQ(::ftruncate(file.get(), 64 << 20), 0);
    ASSERT_EQ(::pwrite(file.get(), "data", 4, 32 << 20), 4);
    make("hole-only", "");
    ASSERT_EQ(::truncate((m_source / "hole-only").c_str(), 1 << 20), 0);
    copy();
    EXPECT_EQ(look("sparse").st_size, 64 << 20);
    EXPECT_LT(look("sparse").st_blocks * 512, 1 << 20);
    EXPECT_EQ(content("sparse"), read_file(m_source / "sparse"));
    EXPECT_EQ(look("hole-only").st_size, 1 << 20);
    EXPECT_EQ(look("hole-only").st_blocks, 0);
}

TEST_F(CopyTree, KeepsUserAttributesOnly) {
    make("file", "x", 0600);
    ASSERT_EQ(::setxattr((m_source / "file").c_str(), "user.note", "n", 1, 0), 0);
    ASSERT_EQ(::setxattr((m_source / "file").c_str(), "user.overlay.opaque", "y", 1, 0), 0);
    ASSERT_EQ(::setxattr(m_source.c_str(), "user.root", "r", 1, 0), 0);
    const Imported result = copy();
    EXPECT_EQ(xattr(target() / "file", "user.note"), "n");
    EXPECT_EQ(xattr(target(), "user.root"), "r");
    EXPECT_EQ(xattr(target() / "file", "user.overlay.opaque"), "(none)");
    EXPECT_EQ(result.skipped,
              std::vector<std::string>{"attribute 'user.overlay.opaque' of 'file'"});
}

TEST_F(CopyTree, NamesAreBytes) {
    make("d\xff/\x1b[31m\n", "x");
    copy();
    EXPECT_EQ(content("d\xff/\x1b[31m\n"), "x");
}

TEST_F(CopyTree, DoesNotFollowSymlinks) {
    fs::create_symlink(canary(), m_source / "out");
    fs::create_symlink(canary() / "secret", m_source / "file");
    copy();
    EXPECT_EQ(fs::read_symlink(target() / "out"), canary());
    EXPECT_EQ(fs::read_symlink(target() / "file"), canary() / "secret");
}

TEST_F(CopyTree, LeavesSocketsOutAndSaysSo) {
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = (m_source / "socket").native();
    ASSERT_LT(path.size(), sizeof address.sun_path);
    path.copy(address.sun_path, path.size());
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(copy().skipped, std::vector<std::string>{"socket 'socket'"});
}

TEST_F(CopyTree, DoesNotCopyTheTargetIntoItself) {
    make("file", "x");
    const fs::path inner = m_source / "store/layer";
    fs::create_directories(inner);
    const Imported result =
        copy_tree(open_fd(m_source, O_RDONLY).get(), open_fd(inner, O_RDONLY).get(), options());
    EXPECT_EQ(result.skipped,
              std::vector<std::string>{"directory 'store/layer': it is where the copy goes"});
    EXPECT_EQ(read_file(inner / "file"), "x");
    EXPECT_TRUE(fs::is_empty(inner / "store"));
}

TEST_F(CopyTree, DoesNotEnterOtherFileSystems) {
    make("proc/below", "hidden");
    make("bind/from/x", "x");
    fs::create_directory(m_source / "bind/to");
    make("bind/file", "f");
    const ExitState state = in_user_namespace(CLONE_NEWNS, [&] {
        if (::mount("tmpfs", (m_source / "proc").c_str(), "tmpfs", 0, "mode=0555") != 0 ||
            ::mount((m_source / "bind/from").c_str(), (m_source / "bind/to").c_str(), nullptr,
                    MS_BIND, nullptr) != 0 ||
            ::mount((m_source / "bind/from/x").c_str(), (m_source / "bind/file").c_str(), nullptr,
                    MS_BIND, nullptr) != 0) {
            return test::k_no_namespace;
        }
        const Imported result =
            copy_tree(open_fd(m_source, O_RDONLY).get(), open_fd(target(), O_RDONLY).get(),
                      {.keep_owners = false});
        return result.skipped_count == 3 ? 0 : 1;
    });
    if (state.code == test::k_no_namespace) {
        GTEST_SKIP() << "no user namespaces here";
    }
    EXPECT_EQ(state.describe(), "exit code 0");
    EXPECT_TRUE(fs::is_empty(target() / "proc"));
    EXPECT_EQ(mode("proc"), 0555U);
    EXPECT_TRUE(fs::is_empty(target() / "bind/to"));
    EXPECT_FALSE(fs::exists(target() / "bind/file"));
    EXPECT_EQ(content("bind/from/x"), "x");
}

TEST_F(CopyTree, NamesTheEntryThatCannotBeRead) {
    make("dir/closed", "x", 0);
    if (::geteuid() == 0) {
        EXPECT_EQ(copy().bytes, 1U);
        return;
    }
    try {
        copy();
        ADD_FAILURE() << "no error";
    } catch (const Error& error) {
        EXPECT_EQ(error.message(), "entry 'dir': 'closed': opening 'closed': Permission denied");
    }
}

}  // namespace
}  // namespace mstage::archive
