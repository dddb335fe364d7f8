// What an archive may hold that means harm, or is broken. ArchiveTest checks after each that
// nothing outside changed.

#include <sys/resource.h>

#include "archive/archive_test.hpp"

namespace mstage::archive {
namespace {

namespace fs = std::filesystem;
using test::ArchiveTest;
using test::compressed;
using test::TarBuilder;
using test::TarEntry;

#define EXPECT_MENTIONS(text, part) \
    EXPECT_NE((text).find(part), std::string::npos) << "in: " << (text)

class HostileTar : public ArchiveTest {
protected:
    std::string outside(const std::string& name) const { return (canary() / name).native(); }
};

TEST_F(HostileTar, DotDotInANameIsRefused) {
    for (const char* name :
         {"../canary/secret", "a/../../canary/x", "..", "/../canary/x", "a/.."}) {
        const std::string message = error_of(TarBuilder().directory("a").file(name, "evil"));
        EXPECT_MENTIONS(message, fmt::format("entry '{}'", name));
        EXPECT_MENTIONS(message, "'..'");
    }
}

TEST_F(HostileTar, AbsoluteNamesAreBelowTheRoot) {
    unpack(TarBuilder().file(outside("new"), "x"));
    EXPECT_EQ(content(outside("new").substr(1)), "x");
}

TEST_F(HostileTar, FileThroughASymlinkStaysInside) {
    const std::vector<std::string> targets = {canary().native(), "../canary",
                                              "../../../../../../canary",
                                              "/proc/self/root" + canary().native()};
    for (const std::string& link : targets) {
        SCOPED_TRACE(link);
        EXPECT_MENTIONS(error_of(TarBuilder().symlink("out", link).file("out/secret", "evil")),
                        "'out'");
    }
}

TEST_F(HostileTar, SymlinkedParentsAreSeenFromInside) {
    TarBuilder tar;
    tar.directory("real").symlink("absolute", "/real").symlink("up", "../../../real");
    tar.file("absolute/a", "a").file("up/b", "b");
    unpack(tar);
    EXPECT_EQ(content("real/a"), "a");
    EXPECT_EQ(content("real/b"), "b");
}

TEST_F(HostileTar, FileOverASymlinkReplacesTheLink) {
    unpack(TarBuilder().symlink("link", outside("secret")).file("link", "mine"));
    EXPECT_EQ(content("link"), "mine");
    EXPECT_FALSE(fs::is_symlink(target() / "link"));
}

TEST_F(HostileTar, DirectoryOverASymlinkReplacesTheLink) {
    unpack(TarBuilder()
               .symlink("link", canary().native())
               .directory("link", 0777)
               .file("link/secret", "x"));
    EXPECT_FALSE(fs::is_symlink(target() / "link"));
    EXPECT_EQ(content("link/secret"), "x");
}

TEST_F(HostileTar, DirectoryThatBecomesASymlinkGivesItsAttributesToNobody) {
    TarBuilder tar;
    tar.directory("d", 0777).directory("d/inner", 0777).file("d/inner/x", "x");
    tar.symlink("d", canary().native());
    unpack(tar);
    EXPECT_EQ(fs::read_symlink(target() / "d"), canary());
}

TEST_F(HostileTar, DirectoryMadeThroughASymlinkKeepsItsAttributesWhenTheLinkGoes) {
    TarBuilder tar;
    tar.directory("real", 0755).symlink("link", "real").directory("link/sub", 0711);
    tar.symlink("link", canary().native());
    unpack(tar);
    EXPECT_EQ(mode("real/sub"), 0711U);
}

TEST_F(HostileTar, HardLinksToOutsideAreNotMade) {
    for (const std::string& link :
         {outside("secret"), std::string("/etc/passwd"), std::string("canary/secret")}) {
        SCOPED_TRACE(link);
        EXPECT_MENTIONS(error_of(TarBuilder().hard_link("stolen", link)), "which is not there");
        EXPECT_FALSE(fs::exists(target() / "stolen"));
    }
    EXPECT_MENTIONS(error_of(TarBuilder().hard_link("stolen", "../canary/secret")), "'..'");
    EXPECT_MENTIONS(
        error_of(TarBuilder().symlink("out", canary().native()).hard_link("stolen", "out/secret")),
        "which is not there");
}

TEST_F(HostileTar, HardLinkToASymlinkIsNotFollowed) {
    unpack(TarBuilder()
               .symlink("link", outside("secret"))
               .hard_link("copy", "link")
               .file("copy", "mine"));
    EXPECT_TRUE(fs::is_symlink(target() / "link"));
    EXPECT_EQ(content("copy"), "mine");
}

TEST_F(HostileTar, DataOfAHardLinkIsNotWritten) {
    TarEntry link{"b", '1', "overwritten", "a"};
    link.pax = {{"size", "11"}};
    link.mode = 0777;
    unpack(TarBuilder().file("a", "original", 0600).add(link).file("after", "x"));
    EXPECT_EQ(content("a"), "original");
    EXPECT_EQ(mode("a"), 0600U);
    EXPECT_EQ(content("after"), "x");
}

TEST_F(HostileTar, HardLinkToADirectoryIsAnError) {
    EXPECT_MENTIONS(error_of(TarBuilder().directory("d").hard_link("e", "d")), "is a directory");
    EXPECT_MENTIONS(error_of(TarBuilder().hard_link("e", ".")), "root directory");
}

TEST_F(HostileTar, RootMustBeADirectory) {
    for (const char* name : {".", "./", "/", "//."}) {
        SCOPED_TRACE(name);
        EXPECT_MENTIONS(error_of(TarBuilder().symlink(name, canary().native())), "no directory");
        EXPECT_MENTIONS(error_of(TarBuilder().file("x", "").hard_link(name, "x")), "no directory");
        EXPECT_MENTIONS(error_of(TarBuilder().add({name, '6'})), "no directory");
    }
    EXPECT_MENTIONS(error_of(TarBuilder().file(".", "x")), "no directory");
}

TEST_F(HostileTar, LinksWithoutATargetAreErrors) {
    EXPECT_MENTIONS(error_of(TarBuilder().symlink("link", "")), "entry 'link'");
    EXPECT_MENTIONS(error_of(TarBuilder().hard_link("link", "")), "entry 'link'");
}

TEST_F(HostileTar, EntryWithoutANameIsAnError) {
    EXPECT_MENTIONS(error_of(TarBuilder().add({"", '5'})), "no name");
}

TEST_F(HostileTar, LastOfManyEntriesWins) {
    TarBuilder tar;
    tar.file("x", "first", 0600).file("x", "second", 0644);
    tar.directory("d", 0700).directory("d", 0711);
    tar.symlink("l", "one").symlink("l", "two");
    const Imported result = unpack(tar);
    EXPECT_EQ(content("x"), "second");
    EXPECT_EQ(mode("x"), 0644U);
    EXPECT_EQ(mode("d"), 0711U);
    EXPECT_EQ(fs::read_symlink(target() / "l"), "two");
    EXPECT_EQ(result.entries, 6U);
}

TEST_F(HostileTar, RewritingAHardLinkedNameLeavesTheOtherAlone) {
    unpack(TarBuilder().file("a", "original").hard_link("b", "a").file("b", "new"));
    EXPECT_EQ(content("a"), "original");
    EXPECT_EQ(content("b"), "new");
}

TEST_F(HostileTar, FileReplacesAFullDirectory) {
    TarBuilder tar;
    tar.directory("d").directory("d/e", 0).symlink("d/out", canary().native()).file("d/e/f", "x");
    tar.file("d", "a file now").file("d2/x", "").symlink("d2", "d");
    unpack(tar);
    EXPECT_EQ(content("d"), "a file now");
    EXPECT_TRUE(fs::is_symlink(target() / "d2"));
}

TEST_F(HostileTar, DirectoryReplacesAFile) {
    unpack(TarBuilder().file("d", "x").directory("d").file("d/y", "y"));
    EXPECT_EQ(content("d/y"), "y");
}

TEST_F(HostileTar, NameBelowAFileIsAnError) {
    EXPECT_MENTIONS(error_of(TarBuilder().file("f", "x").file("f/g", "y")), "'f'");
}

TEST_F(HostileTar, SymlinkLoopsAreErrors) {
    EXPECT_MENTIONS(error_of(TarBuilder().symlink("a", "b").symlink("b", "a").file("a/x", "")),
                    "'a'");
    EXPECT_MENTIONS(error_of(TarBuilder().symlink("self", "self").file("self/x", "")), "'self'");
}

TEST_F(HostileTar, NamesInMessagesAreHarmless) {
    const Imported result = unpack(TarBuilder().add({"dev/\x1b]0;evil\x07\nnull", '3'}));
    EXPECT_EQ(result.skipped, std::vector<std::string>{"device 'dev/\\x1b]0;evil\\x07\\x0anull'"});
}

TEST_F(HostileTar, ComponentsThatAreTooLongAreErrors) {
    TarEntry entry{"short", '0', "x"};
    entry.pax = {{"path", std::string(5000, 'n')}};
    EXPECT_MENTIONS(error_of(TarBuilder().add(entry)), "File name too long");
}

std::string deep_path(size_t depth) {
    std::string path;
    for (size_t i = 0; i < depth; ++i) {
        path += "d/";
    }
    return path;
}

TEST_F(HostileTar, TreesDeeperThanPathMaxAndDescriptors) {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    const rlimit few{64, limit.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
    TarBuilder tar;
    TarEntry directory{"short", '5'};
    directory.mode = 0755;
    directory.pax = {{"path", deep_path(3000)}};
    TarEntry file{"short", '0', "deep"};
    file.pax = {{"path", deep_path(3000) + "file"}};
    TarEntry link{"short", '1', "", "short"};
    link.pax = {{"path", deep_path(2500) + "link"}, {"linkpath", deep_path(3000) + "file"}};
    tar.add(directory).add(file).add(link);
    EXPECT_EQ(unpack(tar).entries, 3U);
    const fs::path copy = make_beside("copy");
    const Imported copied =
        copy_tree(open_fd(target(), O_RDONLY).get(), open_fd(copy, O_RDONLY).get(), options());
    EXPECT_EQ(copied.entries, 3003U);
    // A file in its place, so that the sink has to remove the tree.
    unpack(TarBuilder().file("d", "x"));
    EXPECT_EQ(content("d"), "x");
    remove_tree(copy / "d");
    EXPECT_TRUE(fs::is_empty(copy));
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

TEST_F(HostileTar, LongNameThroughASymlinkStaysInside) {
    TarEntry entry{"short", '0', "x"};
    entry.pax = {{"path", "out/" + deep_path(3000) + "file"}};
    error_of(TarBuilder().symlink("out", canary().native()).add(entry));
}

TEST_F(HostileTar, EmptyInputIsAnError) {
    EXPECT_MENTIONS(error_of(std::string()), "at its start");
}

TEST_F(HostileTar, WhatIsNoTarIsAnError) {
    EXPECT_MENTIONS(error_of(std::string("#!/bin/sh\necho hello\n")), "at its start");
    EXPECT_MENTIONS(error_of(std::string(100'000, 'x')), "at its start");
    EXPECT_MENTIONS(error_of(std::string("PK\x03\x04zip", 7)), "at its start");
    EXPECT_MENTIONS(error_of(compressed("no tar in here", "gzip")), "at its start");
}

TEST_F(HostileTar, TarOfNothingIsEmpty) {
    EXPECT_EQ(unpack(TarBuilder()).entries, 0U);
}

TEST_F(HostileTar, TruncationIsNoticedWhereverItIs) {
    TarBuilder tar;
    tar.file("first", std::string(3000, 'a')).file("second", std::string(3000, 'b'));
    const std::string whole = tar.unfinished();
    for (size_t length = 1; length <= whole.size(); length += 511) {
        SCOPED_TRACE(length);
        error_of(whole.substr(0, length));
    }
    EXPECT_MENTIONS(error_of(whole), "after entry 'second'");
    EXPECT_MENTIONS(error_of(whole), "end mark");
    EXPECT_MENTIONS(error_of(whole.substr(0, 1024)), "entry 'first'");
}

TEST_F(HostileTar, TruncatedCompressionIsNoticed) {
    TarBuilder tar;
    std::string noise;
    for (unsigned i = 0, state = 1; i < 50'000; ++i) {
        state = state * 1664525 + 1013904223;
        noise += static_cast<char>(state >> 24);
    }
    tar.file("first", noise).file("second", noise);
    for (const char* filter : {"gzip", "bzip2", "xz", "zstd"}) {
        SCOPED_TRACE(filter);
        const std::string whole = compressed(tar.finished(), filter);
        for (const size_t length : {whole.size() / 8, whole.size() / 2, whole.size() * 3 / 4}) {
            error_of(whole.substr(0, length));
        }
    }
}

TEST_F(HostileTar, ChecksumsBehindTheTarsEndAreChecked) {
    TarBuilder tar;
    tar.file("file", "data");
    // Not gzip: libarchive does not look at its checksum.
    for (const char* filter : {"bzip2", "xz"}) {
        SCOPED_TRACE(filter);
        std::string bytes = compressed(tar.finished(), filter);
        const size_t checksum =
            std::string_view(filter) == "xz" ? bytes.size() - 40 : bytes.size() - 4;
        bytes[checksum] ^= 0x10;
        error_of(bytes);
    }
}

TEST_F(HostileTar, GarbageInCompressionIsNoticed) {
    TarBuilder tar;
    tar.file("first", std::string(100'000, 'a')).file("second", std::string(100'000, 'b'));
    for (const char* filter : {"gzip", "bzip2", "xz", "zstd"}) {
        SCOPED_TRACE(filter);
        std::string bytes = compressed(tar.finished(), filter);
        bytes.replace(bytes.size() / 3, bytes.size() / 3, bytes.size() / 3, '\xa5');
        error_of(bytes);
    }
}

TEST_F(HostileTar, DamagedHeaderIsAnErrorAfterTheEntryBefore) {
    TarBuilder tar;
    tar.file("first", "x").file("second", "y");
    std::string bytes = tar.finished();
    bytes[1024 + 5] = '!';
    EXPECT_MENTIONS(error_of(bytes), "after entry 'first'");
}

TEST_F(HostileTar, ImpossibleSizesAreErrors) {
    const std::string negative("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", 12);
    const std::string huge("\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff", 12);
    for (const std::string& size : {negative, huge, std::string("777777777777")}) {
        TarEntry entry{"file", '0', "data"};
        entry.size_field = size;
        error_of(TarBuilder().add(entry));
    }
}

TEST_F(HostileTar, HugeHolesAreRefusedByTheFileSystemOrCostNothing) {
    std::string map = "1\n0\n4\n";
    map.resize(512, '\0');
    TarEntry entry{"sparse", '0', map + "data"};
    entry.pax = {{"GNU.sparse.major", "1"},
                 {"GNU.sparse.minor", "0"},
                 {"GNU.sparse.name", "sparse"},
                 {"GNU.sparse.realsize", "9223372036854775807"}};
    try {
        unpack(TarBuilder().add(entry));
        EXPECT_LT(look("sparse").st_blocks, 100);
    } catch (const Error& error) {
        EXPECT_MENTIONS(error.message(), "entry 'sparse'");
    }
}

TEST_F(HostileTar, OwnersOutOfRangeAreErrors) {
    for (const char* uid : {"4294967295", "4294967296", "99999999999999"}) {
        TarEntry entry{"file", '0', "x"};
        entry.pax = {{"uid", uid}};
        EXPECT_MENTIONS(error_of(TarBuilder().add(entry)), "out of range");
    }
}

TEST_F(HostileTar, MalformedExtendedHeadersAreErrors) {
    TarEntry entry{"pax", 'x', "99 path=too-short\n"};
    error_of(TarBuilder().add(entry).file("file", "x"));
    TarBuilder many;
    for (int i = 0; i < 100; ++i) {
        many.add({"pax", 'x', "10 path=a\n"});
    }
    error_of(many.file("file", "x"));
}

TEST_F(HostileTar, OtherFormatsAreNotRead) {
    // The start of an ar, a cpio and an mtree file; all are formats that libarchive knows.
    for (const char* start :
         {"!<arch>\nfile/           0           0     0     100644  4         `\ndata",
          "070701000000010000", "#mtree\nfile type=file\n"}) {
        EXPECT_MENTIONS(error_of(std::string(start) + std::string(2000, '\n')), "at its start");
    }
}

}  // namespace
}  // namespace mstage::archive
