// Looking into images.

#include "engine_fixture.hpp"

namespace mstage::engine {
namespace {

using test::contains;
using test::error_of;

class ImageTreeTest : public EngineTest {
protected:
    std::vector<std::string> paths(const ImageId& image, const std::string& path,
                                   bool recursive = false) {
        std::vector<std::string> found;
        for (const FileInfo& file : m_engine.list(m_engine.image(image), path, recursive)) {
            found.push_back(file.path);
        }
        return found;
    }
};
using Strings = std::vector<std::string>;

TEST_F(ImageTreeTest, ListsADirectory) {
    const ImageId image =
        made_by(base(),
                "mkdir -p /root/d/e; echo hello > /root/d/f; ln -s f /root/d/l; mkfifo /root/d/p; "
                "chmod 4750 /root/d/f; touch -d 2001-02-03T04:05:06Z /root/d/f");
    EXPECT_EQ(paths(image, "/root/d"),
              (Strings{"/root/d/e", "/root/d/f", "/root/d/l", "/root/d/p"}));
    EXPECT_EQ(paths(image, "/root", true),
              (Strings{"/root/d", "/root/d/e", "/root/d/f", "/root/d/l", "/root/d/p"}));
    EXPECT_EQ(paths(image, "/root/d/f"), Strings{"/root/d/f"});
    EXPECT_EQ(paths(image, "/root/d/e"), Strings{});
    const std::vector<FileInfo> files = m_engine.list(m_engine.image(image), "/root/d", false);
    EXPECT_EQ(files[0].type, 'd');
    EXPECT_EQ(files[1].type, 'f');
    EXPECT_EQ(files[1].size, 6U);
    EXPECT_EQ(files[1].mode, 04750U);
    EXPECT_EQ(files[1].uid, 0U);
    EXPECT_EQ(format_time(files[1].mtime), "2001-02-03T04:05:06.000000Z");
    EXPECT_EQ(files[2].type, 'l');
    EXPECT_EQ(files[2].target, "f");
    EXPECT_EQ(files[3].type, 'p');
}

TEST_F(ImageTreeTest, ListsNamesOfAnyBytes) {
    const ImageId image = made_by(base(), "touch \"$(printf '/root/\\377 \\n.x')\"");
    EXPECT_EQ(paths(image, "/root"), Strings{"/root/\xff \n.x"});
}

TEST_F(ImageTreeTest, StaysInsideWhateverLinksSay) {
    const ImageId image =
        made_by(base(),
                "ln -s /etc/passwd /root/absolute; ln -s ../../../../../etc/passwd /root/relative; "
                "ln -s / /root/top; ln -s /proc/self/root/etc/passwd /root/magic");
    const std::string inside = "root:x:0:0:root:/root:/bin/sh\n";
    for (const char* path : {"/root/absolute", "/root/relative", "/root/top/etc/passwd",
                             "/../../etc/passwd", "/root/../../etc/passwd"}) {
        EXPECT_EQ(content_of(image, path), inside) << path;
    }
    error_of([&] { content_of(image, "/root/magic"); });
    EXPECT_TRUE(
        contains(fmt::format("{}", fmt::join(paths(image, "/root/top"), " ")), "/root/top/bin"));
}

TEST_F(ImageTreeTest, SaysWhatIsNotThereOrNoFile) {
    const ImageId image = made_by(base(), "mkfifo /root/p");
    EXPECT_TRUE(
        contains(error_of([&] { content_of(image, "/none"); }).message(), "'/none' in the image"));
    EXPECT_TRUE(
        contains(error_of([&] { content_of(image, "/etc"); }).message(), "not a regular file"));
    EXPECT_TRUE(
        contains(error_of([&] { content_of(image, "/root/p"); }).message(), "not a regular file"));
    error_of([&] { paths(image, "/none"); });
}

TEST_F(ImageTreeTest, ReadsLargeFilesWhole) {
    const ImageId image =
        made_by(base(), "head -c 3000000 /dev/zero > /root/f; echo end >> /root/f");
    const std::string content = content_of(image, "/root/f");
    ASSERT_EQ(content.find_first_not_of('\0'), 3'000'000U);
    EXPECT_EQ(content.substr(3'000'000), "end\n");
}

}  // namespace
}  // namespace mstage::engine
