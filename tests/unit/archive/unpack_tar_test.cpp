// What unpack_tar() keeps.

#include <linux/capability.h>

#include <algorithm>
#include <cstring>

#include "archive/archive_test.hpp"
#include "base/process.hpp"

namespace mstage::archive {
namespace {

namespace fs = std::filesystem;
using test::ArchiveTest;
using test::compressed;
using test::in_user_namespace;
using test::TarBuilder;
using test::TarEntry;

class UnpackTar : public ArchiveTest {};

TarBuilder small_tar() {
    TarBuilder tar;
    tar.directory("./").directory("./etc/").file("./etc/motd", "hello\n");
    return tar;
}

TEST_F(UnpackTar, MakesFilesAndDirectories) {
    const Imported result = unpack(small_tar());
    EXPECT_EQ(content("etc/motd"), "hello\n");
    EXPECT_EQ(result.entries, 3U);
    EXPECT_EQ(result.bytes, 6U);
    EXPECT_TRUE(result.skipped.empty());
}

TEST_F(UnpackTar, ReadsCompressedTars) {
    for (const char* filter : {"gzip", "bzip2", "xz", "lzma", "zstd"}) {
        SCOPED_TRACE(filter);
        TarBuilder tar;
        tar.file(filter, filter);
        unpack(compressed(tar.finished(), filter));
        EXPECT_EQ(content(filter), filter);
    }
}

TEST_F(UnpackTar, ReadsFromAPipe) {
    const Fd dir = open_fd(target(), O_RDONLY | O_DIRECTORY);
    Pipe pipe = make_pipe();
    write_all(pipe.writer.get(), small_tar().finished());
    pipe.writer.close();
    unpack_tar(pipe.reader.get(), dir.get(), options());
    EXPECT_EQ(content("etc/motd"), "hello\n");
}

TEST_F(UnpackTar, AcceptsAPathOnlyDescriptor) {
    const Fd input(::memfd_create("tar", MFD_CLOEXEC));
    write_all(input.get(), small_tar().finished());
    ::lseek(input.get(), 0, SEEK_SET);
    unpack_tar(input.get(), open_fd(target(), O_PATH | O_DIRECTORY).get(), options());
    EXPECT_EQ(content("etc/motd"), "hello\n");
}

TEST_F(UnpackTar, KeepsModesWithSpecialBits) {
    TarBuilder tar;
    tar.file("setuid", "x", 04755).file("setgid", "x", 02711).file("none", "x", 0);
    tar.directory("sticky", 01777).directory("setgid-dir", 02775);
    unpack(tar);
    EXPECT_EQ(mode("setuid"), 04755U);
    EXPECT_EQ(mode("setgid"), 02711U);
    EXPECT_EQ(mode("none"), 0U);
    EXPECT_EQ(mode("sticky"), 01777U);
    EXPECT_EQ(mode("setgid-dir"), 02775U);
}

TEST_F(UnpackTar, TakesNoNoticeOfTheUmask) {
    const mode_t before = ::umask(077);
    TarBuilder tar;
    tar.file("implied/file", "x", 0666);
    unpack(tar);
    EXPECT_EQ(::umask(before), 077U) << "the caller's umask was not put back";
    EXPECT_EQ(mode("implied"), 0755U);
    EXPECT_EQ(mode("implied/file"), 0666U);
}

TEST_F(UnpackTar, RootGetsItsEntrysModeOrADefault) {
    ::chmod(target().c_str(), 0700);
    unpack(TarBuilder().file("x", ""));
    EXPECT_EQ(mode("."), 0755U);
    unpack(TarBuilder().directory("./", 0711).file("y", ""));
    EXPECT_EQ(mode("."), 0711U);
}

TEST_F(UnpackTar, KeepsOwnersOfEveryType) {
    TarBuilder tar;
    for (const char type : {'0', '5', '2', '6'}) {
        TarEntry entry{fmt::format("type-{}", type), type};
        entry.link = type == '2' ? "nowhere" : "";
        entry.mode = 06755;
        entry.uid = 1234;
        entry.gid = 4321;
        tar.add(entry);
    }
    unpack(tar);
    for (const char type : {'0', '5', '2', '6'}) {
        const struct stat info = look(fmt::format("type-{}", type));
        EXPECT_EQ(info.st_uid, options().keep_owners ? 1234U : ::geteuid()) << type;
        EXPECT_EQ(info.st_gid, options().keep_owners ? 4321U : ::getegid()) << type;
    }
    EXPECT_EQ(mode("type-0"), 06755U) << "chown() took the setuid bit away";
}

TEST_F(UnpackTar, KeepsNanosecondTimesOfEveryType) {
    TarBuilder tar;
    const std::vector<std::pair<std::string, std::string>> time = {
        {"mtime", "1234567890.123456789"}};
    for (const char type : {'0', '5', '2', '6'}) {
        TarEntry entry{fmt::format("type-{}", type), type};
        entry.link = type == '2' ? "nowhere" : "";
        entry.pax = time;
        tar.add(entry);
    }
    // Comes after its directory, whose time it must not change.
    tar.file("type-5/late", "x");
    unpack(tar);
    for (const char type : {'0', '5', '2', '6'}) {
        const struct stat info = look(fmt::format("type-{}", type));
        EXPECT_EQ(info.st_mtim.tv_sec, 1234567890) << type;
        EXPECT_EQ(info.st_mtim.tv_nsec, 123456789) << type;
    }
}

TEST_F(UnpackTar, TimesFarOffAreTakenAsFarAsTheFileSystemGoes) {
    TarBuilder tar;
    for (const char* mtime :
         {"-9223372036854775808", "9223372036854775807", "99999999999999999999", "-1.5", "0"}) {
        TarEntry entry{fmt::format("t{}", mtime), '0', "x"};
        entry.pax = {{"mtime", mtime}};
        tar.add(entry);
    }
    EXPECT_EQ(unpack(tar).entries, 5U);
    EXPECT_EQ(look("t0").st_mtim.tv_sec, 0);
    EXPECT_GT(look("t9223372036854775807").st_mtim.tv_sec, 4'000'000'000);
}

TEST_F(UnpackTar, FillsDirectoriesThatMayNotBeWritten) {
    TarBuilder tar;
    tar.directory("closed", 0555).directory("closed/inner", 0).file("closed/inner/file", "x");
    unpack(tar);
    EXPECT_EQ(mode("closed"), 0555U);
    EXPECT_EQ(mode("closed/inner"), 0U);
    ::chmod((target() / "closed/inner").c_str(), 0700);
    EXPECT_EQ(content("closed/inner/file"), "x");
}

TEST_F(UnpackTar, DirectoryEntryMayFollowItsContents) {
    TarBuilder tar;
    tar.file("d/file", "x").directory("d", 0500);
    unpack(tar);
    EXPECT_EQ(content("d/file"), "x");
    EXPECT_EQ(mode("d"), 0500U);
    EXPECT_EQ(look("d").st_mtim.tv_sec, 1'000'000'000);
}

TEST_F(UnpackTar, OldTarsMarkDirectoriesByASlash) {
    unpack(TarBuilder().add({"dir/", '0'}).add({"g\xc3\xb6/", '\0'}));
    EXPECT_TRUE(fs::is_directory(target() / "dir"));
    EXPECT_TRUE(fs::is_directory(target() / "gö"));
}

TEST_F(UnpackTar, KeepsLinks) {
    TarBuilder tar;
    tar.file("file", "data").symlink("symlink", "../out/of/\xff").hard_link("hard", "./file");
    tar.hard_link("hard-symlink", "symlink");
    unpack(tar);
    EXPECT_EQ(fs::read_symlink(target() / "symlink"), "../out/of/\xff");
    EXPECT_EQ(look("hard").st_ino, look("file").st_ino);
    EXPECT_EQ(look("hard-symlink").st_ino, look("symlink").st_ino);
    EXPECT_TRUE(S_ISLNK(look("hard-symlink").st_mode));
}

TEST_F(UnpackTar, HardLinkToItselfLeavesTheFile) {
    unpack(
        TarBuilder().file("a", "data").hard_link("a", "a").hard_link("b", "a").hard_link("b", "a"));
    EXPECT_EQ(content("a"), "data");
    EXPECT_EQ(look("a").st_nlink, 2U);
}

TEST_F(UnpackTar, KeepsFifos) {
    TarEntry fifo{"fifo", '6'};
    fifo.mode = 0622;
    unpack(TarBuilder().add(fifo));
    EXPECT_TRUE(S_ISFIFO(look("fifo").st_mode));
    EXPECT_EQ(mode("fifo"), 0622U);
}

TEST_F(UnpackTar, LeavesDevicesOutAndSaysSo) {
    const Imported result = unpack(TarBuilder().add({"dev/null", '3'}).add({"dev/sda", '4'}));
    EXPECT_EQ(result.skipped, (std::vector<std::string>{"device 'dev/null'", "device 'dev/sda'"}));
    EXPECT_FALSE(fs::exists(target() / "dev/null"));
}

TEST_F(UnpackTar, ListOfSkippedIsBounded) {
    TarBuilder tar;
    for (int i = 0; i < 1000; ++i) {
        tar.add({fmt::format("dev/{}", i), '3'});
    }
    const Imported result = unpack(tar);
    EXPECT_EQ(result.skipped.size(), 100U);
    EXPECT_EQ(result.skipped_count, 1000U);
}

TEST_F(UnpackTar, KeepsUserAttributesOfFilesAndDirectories) {
    TarBuilder tar;
    for (const char type : {'0', '5'}) {
        TarEntry entry{fmt::format("type-{}", type), type};
        entry.mode = 0500;
        entry.pax = {{"SCHILY.xattr.user.note", std::string("a\0b\n=", 5)}};
        tar.add(entry);
    }
    const Imported result = unpack(tar);
    EXPECT_EQ(result.skipped_count, 0U);
    EXPECT_EQ(xattr(target() / "type-0", "user.note"), std::string("a\0b\n=", 5));
    EXPECT_EQ(xattr(target() / "type-5", "user.note"), std::string("a\0b\n=", 5));
}

TEST_F(UnpackTar, DropsAttributesThatSteerOverlayfs) {
    TarEntry entry{"dir", '5'};
    entry.pax = {{"SCHILY.xattr.user.overlay.opaque", "y"},
                 {"SCHILY.xattr.trusted.overlay.redirect", "/etc"},
                 {"SCHILY.xattr.trusted.other", "x"},
                 {"SCHILY.xattr.security.selinux", "label"},
                 {"SCHILY.xattr.user.kept", "x"}};
    Imported result = unpack(TarBuilder().add(entry));
    std::sort(result.skipped.begin(), result.skipped.end());
    EXPECT_EQ(result.skipped,
              (std::vector<std::string>{"attribute 'trusted.other' of 'dir'",
                                        "attribute 'trusted.overlay.redirect' of 'dir'",
                                        "attribute 'user.overlay.opaque' of 'dir'"}));
    EXPECT_EQ(xattr(target() / "dir", "user.overlay.opaque"), "(none)");
    EXPECT_EQ(xattr(target() / "dir", "trusted.overlay.redirect"), "(none)");
    EXPECT_EQ(xattr(target() / "dir", "user.kept"), "x");
}

TEST_F(UnpackTar, SaysThatLinksKeepNoAttributes) {
    TarEntry entry{"link", '2', "", "secret"};
    entry.pax = {{"SCHILY.xattr.user.note", "x"}};
    EXPECT_EQ(unpack(TarBuilder().add(entry)).skipped,
              std::vector<std::string>{"attribute 'user.note' of 'link'"});
}

std::string capability(std::uint32_t revision, std::uint32_t root_id) {
    vfs_ns_cap_data data{};
    data.magic_etc = revision | VFS_CAP_FLAGS_EFFECTIVE;
    data.data[0].permitted = 1U << CAP_NET_RAW;
    data.rootid = root_id;
    const size_t size = revision == VFS_CAP_REVISION_3 ? XATTR_CAPS_SZ_3 : XATTR_CAPS_SZ_2;
    std::string value(size, '\0');
    std::memcpy(value.data(), &data, size);
    return value;
}

TEST_F(UnpackTar, KeepsFileCapabilities) {
    TarEntry plain{"ping", '0', "x"};
    plain.mode = 0755;
    plain.uid = 77;
    plain.pax = {{"SCHILY.xattr.security.capability", capability(VFS_CAP_REVISION_2, 0)}};
    TarEntry of_namespace = plain;
    of_namespace.name = "ping3";
    of_namespace.pax = {
        {"SCHILY.xattr.security.capability", capability(VFS_CAP_REVISION_3, 100000)}};
    const Imported result = unpack(TarBuilder().add(plain).add(of_namespace));
    if (::geteuid() == 0) {
        EXPECT_EQ(xattr(target() / "ping", "security.capability"),
                  capability(VFS_CAP_REVISION_2, 0));
        EXPECT_EQ(xattr(target() / "ping3", "security.capability"),
                  capability(VFS_CAP_REVISION_2, 0));
    } else {
        EXPECT_EQ(result.skipped_count, 2U);
    }
}

TEST_F(UnpackTar, KeepsAccessControlLists) {
    TarEntry file{"file", '0', "x"};
    file.mode = 0640;
    file.pax = {{"SCHILY.acl.access", "user::rw-,user:bin:r--:12,group::r--,mask::r--,other::---"}};
    TarEntry directory{"dir", '5'};
    directory.mode = 0750;
    directory.pax = {
        {"SCHILY.acl.default", "user::rwx,group::r-x,group:x:rwx:34,mask::rwx,other::---"}};
    // Must not inherit the directory's default list.
    const Imported result =
        unpack(TarBuilder().add(directory).add(file).file("dir/plain", "x", 0600));
    EXPECT_EQ(result.skipped_count, 0U);
    EXPECT_EQ(xattr(target() / "file", "system.posix_acl_access").size(), 4U + 5U * 8U);
    EXPECT_EQ(xattr(target() / "dir", "system.posix_acl_default").size(), 4U + 5U * 8U);
    EXPECT_EQ(xattr(target() / "dir/plain", "system.posix_acl_access"), "(none)");
    EXPECT_EQ(mode("file"), 0640U);
}

TEST_F(UnpackTar, KeepsHoles) {
    // GNU sparse format 1.0: the map stands in front of the data.
    std::string map = "1\n1048576\n4\n";
    map.resize(512, '\0');
    TarEntry entry{"GNUSparseFile/sparse", '0', map + "data"};
    entry.pax = {{"GNU.sparse.major", "1"},
                 {"GNU.sparse.minor", "0"},
                 {"GNU.sparse.name", "sparse"},
                 {"GNU.sparse.realsize", "8388608"}};
    const Imported result = unpack(TarBuilder().add(entry));
    const struct stat info = look("sparse");
    EXPECT_EQ(info.st_size, 8388608);
    EXPECT_LT(info.st_blocks * 512, 1048576);
    EXPECT_EQ(content("sparse").substr(1048576, 5), std::string("data\0", 5));
    EXPECT_EQ(result.bytes, 4U);
}

TEST_F(UnpackTar, NamesAreBytes) {
    const std::vector<std::string> names = {"latin-\xe9",  "utf8-\xc3\xa9", "line\nbreak",
                                            "esc\x1b[31m", "back\\slash",   " space ",
                                            "\xff\xfe"};
    TarBuilder tar;
    for (const std::string& name : names) {
        tar.file("ustar/" + name, name);
        TarEntry pax{"short", '0', name};
        pax.pax = {{"path", "pax/" + name}};
        tar.add(pax);
        TarEntry link{"short", '2', "", "short"};
        link.pax = {{"path", "links/" + name}, {"linkpath", "../" + name}};
        tar.add(link);
    }
    unpack(tar);
    for (const std::string& name : names) {
        EXPECT_EQ(content("ustar/" + name), name);
        EXPECT_EQ(content("pax/" + name), name);
        EXPECT_EQ(fs::read_symlink(target() / "links" / name), "../" + name);
    }
}

TEST_F(UnpackTar, WithoutOwnersEverythingIsOurs) {
    TarEntry entry{"file", '0', "x"};
    entry.uid = 1234;
    const Fd input(::memfd_create("tar", MFD_CLOEXEC));
    write_all(input.get(), TarBuilder().add(entry).finished());
    ::lseek(input.get(), 0, SEEK_SET);
    unpack_tar(input.get(), open_fd(target(), O_RDONLY).get(), {.keep_owners = false});
    EXPECT_EQ(look("file").st_uid, ::geteuid());
}

TEST_F(UnpackTar, OwnerThatIsNotMappedIsAnErrorWithARemedy) {
    const ExitState state = in_user_namespace(0, [&] {
        TarEntry entry{"foreign", '0', "x"};
        entry.uid = 1234;
        const Fd input(::memfd_create("tar", MFD_CLOEXEC));
        write_all(input.get(), TarBuilder().add(entry).finished());
        ::lseek(input.get(), 0, SEEK_SET);
        try {
            unpack_tar(input.get(), open_fd(target(), O_RDONLY).get(), {});
        } catch (const Error& error) {
            const bool named = error.message().find("entry 'foreign'") != std::string::npos &&
                               error.message().find("user 1234") != std::string::npos;
            return named && error.hint().find("subuid") != std::string::npos ? 0 : 2;
        }
        return 1;
    });
    if (state.code == test::k_no_namespace) {
        GTEST_SKIP() << "no user namespaces here";
    }
    EXPECT_EQ(state.describe(), "exit code 0");
}

/// What GNU tar says about a tree, in its names' order.
std::string gnu_listing(const fs::path& tree) {
    const std::string script =
        "cd \"$1\" && tar --sort=name --format=pax --xattrs -cf - . | "
        "tar -tvvf - --full-time --numeric-owner --xattrs";
    return capture_output({{"sh", "-c", script, "sh", tree.native()}, "", -1});
}

TEST_F(UnpackTar, GnuTarSeesTheSameTree) {
    const fs::path source = make_beside("source");
    capture_output(
        {{"sh", "-c",
          "cd \"$1\" && mkdir -p usr/bin usr/lib etc var/tmp empty && chmod 1777 var/tmp && "
          "printf data > usr/bin/tool && chmod 4755 usr/bin/tool && ln usr/bin/tool usr/bin/alias "
          "&& "
          "ln -s usr/bin bin && ln -s /etc/passwd usr/lib/absolute && ln -s . usr/lib/loop && "
          "mkfifo var/fifo && truncate -s 5M var/sparse && printf x >> var/sparse && "
          "printf '%0300d' 0 > etc/numbers && : > \"etc/$(printf '%0200d' 0)\" && "
          "touch -d '2001-02-03 04:05:06.789012345' etc/numbers usr && chmod 555 empty",
          "sh", source.native()},
         "",
         -1});
    for (const char* format : {"pax", "gnu"}) {
        SCOPED_TRACE(format);
        const std::string tar =
            capture_output({{"tar", "-C", source.native(), "--sparse",
                             std::string("--format=") + format, "-cf", "-", "."},
                            "",
                            -1});
        remove_tree(target());
        fs::create_directory(target());
        unpack(tar);
        // Sub-second times are not in the GNU format.
        if (std::string_view(format) == "pax") {
            EXPECT_EQ(gnu_listing(target()), gnu_listing(source));
        }
        EXPECT_EQ(content("var/sparse"), read_file(source / "var/sparse"));
        EXPECT_LT(look("var/sparse").st_blocks * 512, 1'000'000);
    }
}

}  // namespace
}  // namespace mstage::archive
