#include "archive/oci/layer_packer.hpp"

#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "archive/archive_test.hpp"

namespace mstage::archive {
namespace {

namespace fs = std::filesystem;
using test::ArchiveTest;

class LayerPackerTest : public ArchiveTest {
protected:
    void SetUp() override {
        ArchiveTest::SetUp();
        m_layer = make_beside("layer");
    }

    void make(const std::string& name, const std::string& data = {}) const {
        fs::create_directories((m_layer / name).parent_path());
        write_file_atomically(m_layer / name, data);
    }
    void make_whiteout(const std::string& name) const {
        fs::create_directories((m_layer / name).parent_path());
        ASSERT_EQ(::mknod((m_layer / name).c_str(), S_IFCHR, makedev(0, 0)), 0);
    }
    void set_attribute(const std::string& path, const char* name, const std::string& value) const {
        ASSERT_EQ(::setxattr((m_layer / path).c_str(), name, value.data(), value.size(), 0), 0);
    }

    std::string pack(const PackOptions& options = {}) {
        std::string tar;
        m_skipped = pack_layer(open_fd(m_layer, O_RDONLY | O_DIRECTORY).get(), m_lower, options,
                               [&](std::string_view bytes) { tar += bytes; });
        return tar;
    }
    /// The names in the order of the archive, as tar(1) sees them.
    std::string listing(const std::string& tar) {
        const Fd file(::memfd_create("tar", 0));
        write_all(file.get(), tar);
        return capture_output({.argv = {"tar", "-tf", fmt::format("/proc/self/fd/{}", file.get())},
                               .package_hint = ""});
    }

    fs::path m_layer;
    std::vector<Fd> m_lower;
    std::vector<std::string> m_skipped;
};

TEST_F(LayerPackerTest, SortsByPathWithDirectoriesFirst) {
    for (const char* name : {"b/z", "b/a", "a-b", "a/x/1", "c"}) {
        make(name);
    }
    EXPECT_EQ(listing(pack()), "./\na/\na/x/\na/x/1\na-b\nb/\nb/a\nb/z\nc\n");
}

TEST_F(LayerPackerTest, TheSameTreeGivesTheSameBytes) {
    make("one", "1");
    make("two", "2");
    const std::string first = pack();
    const timespec times[2] = {{1, 0}, {1, 0}};
    const auto pack_with_times = [&](const fs::path& layer) {
        m_layer = layer;
        for (const char* name : {"one", "two", "."}) {
            ::utimensat(AT_FDCWD, (layer / name).c_str(), times, 0);
        }
        return pack();
    };
    const std::string before = pack_with_times(m_layer);
    EXPECT_NE(before, first) << "times count";
    m_layer = make_beside("again");
    make("two", "2");
    make("one", "1");
    EXPECT_EQ(pack_with_times(m_layer), before);
}

TEST_F(LayerPackerTest, WritesWhiteoutsAndOpaqueDirectories) {
    make("dir/kept", "x");
    make("new/file");
    make_whiteout("dir/gone");
    make_whiteout("a");
    set_attribute("new", "user.overlay.opaque", "y");
    set_attribute("dir/kept", "user.overlay.origin", "somewhere");
    make("dir/also");
    set_attribute("dir/also", "user.overlay.whiteout", "y");
    // One layer has something to hide, the other does not.
    const fs::path lower = make_beside("lower");
    fs::create_directories(lower / "new");
    fs::create_directories(lower / "dir");
    for (const char* name : {"a", "dir/gone", "dir/also"}) {
        write_file_atomically(lower / name, "");
    }
    m_lower.push_back(open_fd(make_beside("lowest"), O_PATH | O_DIRECTORY));
    m_lower.push_back(open_fd(lower, O_PATH | O_DIRECTORY));
    const std::string tar = pack();
    EXPECT_EQ(listing(tar),
              "./\n.wh.a\ndir/\ndir/.wh.also\ndir/.wh.gone\ndir/kept\nnew/\nnew/.wh..wh..opq\n"
              "new/file\n");
    EXPECT_EQ(tar.find("overlay"), std::string::npos);
}

TEST_F(LayerPackerTest, WhatHidesNothingIsLeftOut) {
    make("new/file");
    set_attribute("new", "user.overlay.opaque", "y");
    make_whiteout("dir/gone");
    const fs::path lower = make_beside("lower");
    write_file_atomically(lower / "new", "a file, not a directory");
    fs::create_directory(lower / "elsewhere");
    fs::create_symlink("elsewhere", lower / "dir");
    write_file_atomically(lower / "elsewhere/gone", "");
    m_lower.push_back(open_fd(lower, O_PATH | O_DIRECTORY));
    EXPECT_EQ(listing(pack()), "./\ndir/\nnew/\nnew/file\n");
}

TEST_F(LayerPackerTest, SecondNamesBecomeHardLinksWithAllAttributes) {
    make("b", "data");
    set_attribute("b", "user.key", "value");
    fs::create_hard_link(m_layer / "b", m_layer / "c");
    fs::create_hard_link(m_layer / "b", m_layer / "a");
    const std::string tar = pack();
    unpack(tar);
    EXPECT_EQ(look("a").st_ino, look("b").st_ino);
    EXPECT_EQ(look("a").st_ino, look("c").st_ino);
    EXPECT_EQ(content("c"), "data");
    size_t count = 0;
    for (size_t at = tar.find("user.key=value"); at != std::string::npos;
         at = tar.find("user.key=value", at + 1)) {
        ++count;
    }
    EXPECT_EQ(count, 3U);
}

TEST_F(LayerPackerTest, KeepsWhatImagesKeep) {
    make("dir/file", "data");
    ::chmod((m_layer / "dir/file").c_str(), 06711);
    ::chmod((m_layer / "dir").c_str(), 01500);
    fs::create_symlink("dir/file", m_layer / "link");
    ::mkfifo((m_layer / "fifo").c_str(), 0622);
    make("sparse", "start");
    fs::resize_file(m_layer / "sparse", 100'000);
    unpack(pack({.keep_owners = ::geteuid() == 0}));
    EXPECT_EQ(mode("dir/file"), 06711U);
    EXPECT_EQ(mode("dir"), 01500U);
    EXPECT_EQ(content("sparse"), "start" + std::string(99'995, '\0'));
    EXPECT_EQ(fs::read_symlink(target() / "link"), "dir/file");
    EXPECT_TRUE(S_ISFIFO(look("fifo").st_mode));
    for (const char* name : {".", "dir", "dir/file", "link", "fifo"}) {
        struct stat original {};
        ::lstat((m_layer / name).c_str(), &original);
        EXPECT_EQ(look(name).st_mtim.tv_sec, original.st_mtim.tv_sec) << name;
        EXPECT_EQ(look(name).st_mtim.tv_nsec, original.st_mtim.tv_nsec) << name;
    }
}

TEST_F(LayerPackerTest, WithoutOwnersAllIsRoots) {
    make("file");
    const std::string tar = pack({.keep_owners = false});
    const size_t header = tar.find("file");
    ASSERT_NE(header, std::string::npos);
    for (size_t at = 0; at + 512 <= tar.size(); at += 512) {
        if (tar.substr(at + 257, 5) == "ustar") {
            EXPECT_EQ(tar.substr(at + 108, 7), "0000000");
            EXPECT_EQ(tar.substr(at + 116, 7), "0000000");
        }
    }
}

TEST_F(LayerPackerTest, NoTimeIsLaterThanTheLatest) {
    make("new");
    make("old");
    const timespec times[2] = {{5, 5}, {5, 5}};
    ::utimensat(AT_FDCWD, (m_layer / "old").c_str(), times, 0);
    unpack(pack({.keep_owners = ::geteuid() == 0, .latest_mtime = 1000}));
    EXPECT_EQ(look("new").st_mtim.tv_sec, 1000);
    EXPECT_EQ(look("new").st_mtim.tv_nsec, 0);
    EXPECT_EQ(look("old").st_mtim.tv_sec, 5);
    EXPECT_EQ(look("old").st_mtim.tv_nsec, 5);
}

TEST_F(LayerPackerTest, LeavesSocketsOutAndSaysSo) {
    const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = (m_layer / "S").native();
    ASSERT_LT(path.size(), sizeof address.sun_path);
    path.copy(address.sun_path, path.size());
    ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listing(pack()), "./\n");
    EXPECT_EQ(m_skipped, std::vector<std::string>{"socket 'S'"});
}

TEST_F(LayerPackerTest, RefusesNamesThatWouldMeanWhiteouts) {
    make("dir/.wh.file");
    try {
        pack();
        FAIL() << "no error";
    } catch (const Error& error) {
        EXPECT_TRUE(error.message().starts_with("entry 'dir/.wh.file': ")) << error.message();
        EXPECT_FALSE(error.hint().empty());
    }
}

TEST_F(LayerPackerTest, GoesDownFurtherThanAPathMayBeLong) {
    Fd at = open_fd(m_layer, O_RDONLY | O_DIRECTORY);
    const std::string name(200, 'd');
    for (int depth = 0; depth < 30; ++depth) {
        ASSERT_EQ(::mkdirat(at.get(), name.c_str(), 0755), 0);
        at = open_at(at.get(), name, O_RDONLY | O_DIRECTORY);
    }
    const std::string tar = pack({.keep_owners = ::geteuid() == 0});
    EXPECT_EQ(unpack(tar).entries, 31U);
}

}  // namespace
}  // namespace mstage::archive
