#include "archive/tar_writer.hpp"

#include <cstring>

#include "archive/archive_test.hpp"

namespace mstage::archive {
namespace {

using test::ArchiveTest;

constexpr size_t k_block = 512;

class TarWriterTest : public ArchiveTest {
protected:
    void member(const std::string& path, MemberType type, const Attributes& attributes = {},
                const std::string& target = {}) {
        m_writer.member({.path = MemberPath::parse(path),
                         .type = type,
                         .attributes = attributes,
                         .target = target});
    }
    void file(const std::string& path, const std::string& data, const Attributes& attributes = {}) {
        m_writer.member(
            {.path = MemberPath::parse(path), .attributes = attributes, .size = data.size()});
        m_writer.data(data);
    }
    const std::string& finished() {
        m_writer.finish();
        return m_bytes;
    }

    std::string m_bytes;
    TarWriter m_writer{[this](std::string_view bytes) { m_bytes += bytes; }};
};

TEST_F(TarWriterTest, WritesPlainUstarWhereThatSaysAll) {
    Attributes attributes;
    attributes.mode = 04755;
    attributes.owner = 1000;
    attributes.group = 2097151;
    attributes.mtime = timespec{1234567890, 0};
    file("dir/file", "12345", attributes);
    const std::string tar = finished();
    ASSERT_EQ(tar.size(), 4 * k_block);
    EXPECT_STREQ(tar.data(), "dir/file");
    EXPECT_STREQ(tar.data() + 100, "0004755");
    EXPECT_STREQ(tar.data() + 108, "0001750");
    EXPECT_STREQ(tar.data() + 116, "7777777");
    EXPECT_STREQ(tar.data() + 124, "00000000005");
    EXPECT_STREQ(tar.data() + 136, "11145401322");
    EXPECT_EQ(tar[156], '0');
    EXPECT_EQ(tar.substr(257, 8), std::string("ustar\00000", 8));
    EXPECT_EQ(tar.substr(k_block, 6), std::string("12345\0", 6));
    EXPECT_EQ(tar.substr(2 * k_block), std::string(2 * k_block, '\0'));
}

TEST_F(TarWriterTest, AddsThePaxRecordsThatAreNeededAndNoOthers) {
    Attributes attributes;
    attributes.owner = 2097152;
    attributes.mtime = timespec{1, 500'000'000};
    attributes.xattrs = {{"user.b", std::string("\0\n=", 3)}, {"user.a", ""}};
    file("file", "", attributes);
    const std::string tar = finished();
    ASSERT_EQ(tar.size(), 5 * k_block);
    EXPECT_STREQ(tar.data(), "PaxHeaders/file");
    EXPECT_EQ(tar[156], 'x');
    const std::string records = std::string("24 SCHILY.xattr.user.a=\n27 SCHILY.xattr.user.b=") +
                                std::string("\0\n=\n", 4) + "13 mtime=1.5\n15 uid=2097152\n";
    EXPECT_EQ(tar.substr(k_block, records.size() + 1), records + '\0');
}

TEST_F(TarWriterTest, LongNamesGoIntoTwoFieldsIfTheyCan) {
    const std::string hundred(100, 'a');
    file(hundred, "");
    file("directory/" + hundred, "");
    file("directory/" + hundred + "a", "");
    const std::string tar = finished();
    ASSERT_EQ(tar.size(), 7 * k_block);
    EXPECT_EQ(tar.substr(0, 101), hundred + "0") << "without NUL";
    EXPECT_EQ(tar.substr(k_block, 100), hundred);
    EXPECT_STREQ(tar.data() + k_block + 345, "directory");
    EXPECT_EQ(tar.substr(3 * k_block, 121), "121 path=directory/" + hundred + "a\n");
}

TEST_F(TarWriterTest, SaysSizesThatHaveNoPlaceInTheHeader) {
    m_writer.member({.path = MemberPath::parse("big"), .size = 8589934592});
    const std::string tar = finished();
    EXPECT_EQ(tar.substr(k_block, 19), "19 size=8589934592\n");
}

TEST_F(TarWriterTest, RefusesMoreDataThanAnnounced) {
    m_writer.member({.path = MemberPath::parse("file"), .size = 3});
    m_writer.data("ab");
    EXPECT_THROW(m_writer.data("cd"), Error);
}

TEST_F(TarWriterTest, WhatItWritesIsReadAsItWas) {
    const std::string deep = "dir/" + std::string(90, 'x') + "/" + std::string(200, 'y');
    const std::string odd = "b\xFC\xE4 \xC3\xBC\n";
    Attributes attributes;
    attributes.mode = 0640;
    attributes.mtime = timespec{1234567890, 123456789};
    attributes.xattrs = {{"user.key", std::string("a\0b", 3)}};
    member("", MemberType::directory, root_attributes(0711));
    member("dir", MemberType::directory, root_attributes(01777));
    file(deep, "deep", attributes);
    file(odd, std::string(700, 'z'));
    member("link", MemberType::hard_link, attributes, deep);
    member("symlink", MemberType::symlink, {}, std::string(300, 's'));
    member("fifo", MemberType::fifo, root_attributes(0600));
    attributes.mtime = timespec{-2, 500'000'000};
    attributes.xattrs = {{"user.a=b%", std::string("\0=\n\xff", 4)}};
    file("old", "", attributes);
    unpack(finished());
    EXPECT_EQ(mode("."), 0711U);
    EXPECT_EQ(mode("dir"), 01777U);
    EXPECT_EQ(content(deep), "deep");
    EXPECT_EQ(mode(deep), 0640U);
    EXPECT_EQ(look(deep).st_mtim.tv_nsec, 123456789);
    EXPECT_EQ(xattr(target() / deep, "user.key"), std::string("a\0b", 3));
    EXPECT_EQ(content(odd), std::string(700, 'z'));
    EXPECT_EQ(look("link").st_ino, look(deep).st_ino);
    EXPECT_EQ(std::filesystem::read_symlink(target() / "symlink").native(), std::string(300, 's'));
    EXPECT_TRUE(S_ISFIFO(look("fifo").st_mode));
    EXPECT_EQ(look("old").st_mtim.tv_sec, -2);
    EXPECT_EQ(look("old").st_mtim.tv_nsec, 500'000'000);
    EXPECT_EQ(xattr(target() / "old", "user.a=b%"), std::string("\0=\n\xff", 4));
}

}  // namespace
}  // namespace mstage::archive
