#include "engine/local/secret_scan.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/base64.hpp"
#include "base/secret_stream.hpp"
#include "support.hpp"

namespace mstage::engine {
namespace {

const std::string k_token = "s3cr3t/T0ken+x";

class SecretScanTest : public ::testing::Test {
protected:
    SecretScanTest() { m_patterns.add(k_token); }

    std::vector<std::string> found(std::optional<time_t> since = {}, size_t most = 10) const {
        std::vector<std::string> paths;
        const ScannedTree tree{.directory = m_dir.path(), .name = "", .since = since};
        for (const FoundSecret& place : find_secrets(m_patterns, tree, most)) {
            EXPECT_EQ(place.secret, 0U);
            paths.push_back(place.path);
        }
        return paths;
    }
    using Paths = std::vector<std::string>;

    test::TempDir m_dir;
    SecretPatterns m_patterns;
};

TEST_F(SecretScanTest, FindsNothingWhereNothingIs) {
    make_directories(m_dir / "a/b");
    write_file_atomically(m_dir / "a/b/c", "s3cr3t/T0ken");
    EXPECT_EQ(found(), Paths{});
}

TEST_F(SecretScanTest, FindsItInContents) {
    make_directories(m_dir / "a/b");
    write_file_atomically(m_dir / "a/b/plain", "x=" + k_token);
    write_file_atomically(m_dir / "a/b/base64", encode_base64("user:" + k_token + "\n"));
    write_file_atomically(m_dir / "a/url", "s3cr3t%2FT0ken%2Bx");
    EXPECT_EQ(found(), (Paths{"/a/b/base64", "/a/b/plain", "/a/url"}));
}

TEST_F(SecretScanTest, FindsItAcrossThePiecesOfALargeFile) {
    std::string text((4U << 20), 'x');
    text.replace((1U << 20) - 5, k_token.size(), k_token);
    write_file_atomically(m_dir / "large", text);
    EXPECT_EQ(found(), Paths{"/large"});
}

TEST_F(SecretScanTest, DoesNotReadHoles) {
    const Fd file = open_fd(m_dir / "holes", O_WRONLY | O_CREAT, 0600);
    ASSERT_EQ(::ftruncate(file.get(), off_t{1} << 40), 0);
    EXPECT_EQ(found(), Paths{});
    ASSERT_EQ(::pwrite(file.get(), k_token.data(), k_token.size(), off_t{1} << 39),
              static_cast<ssize_t>(k_token.size()));
    EXPECT_EQ(found(), Paths{"/holes"});
}

TEST_F(SecretScanTest, FindsItInNamesAndDoesNotShowIt) {
    SecretPatterns names;
    names.add("t0k3n-value");
    make_directories(m_dir / "a/t0k3n-value/b/c");
    write_file_atomically(m_dir / "a/x-t0k3n-value.txt", "");
    const ScannedTree tree{.directory = m_dir.path(), .name = "/usr", .since = {}};
    const auto places = find_secrets(names, tree, 10);
    ASSERT_EQ(places.size(), 2U);
    EXPECT_EQ(places[0].path, "/usr/a/***");
    EXPECT_EQ(places[1].path, "/usr/a/x-***.txt");
}

TEST_F(SecretScanTest, FindsItInLinksAndAttributes) {
    std::filesystem::create_symlink("nowhere/" + k_token, m_dir / "link");
    EXPECT_EQ(found(), Paths{"/link"});
    write_file_atomically(m_dir / "file", "");
    if (::setxattr((m_dir / "file").c_str(), "user.note", k_token.data(), k_token.size(), 0) != 0) {
        return test::skip_or_fail("no extended attributes here");
    }
    EXPECT_EQ(found(), (Paths{"/file", "/link"}));
}

TEST_F(SecretScanTest, WaitsForNoFifo) {
    ASSERT_EQ(::mkfifo((m_dir / "fifo").c_str(), 0600), 0);
    EXPECT_EQ(found(), Paths{});
}

TEST_F(SecretScanTest, EndsAtTheMost) {
    for (int i = 0; i < 5; ++i) {
        write_file_atomically(m_dir / std::to_string(i), k_token);
    }
    EXPECT_EQ(found({}, 3).size(), 3U);
}

TEST_F(SecretScanTest, LeavesOutWhatIsOlder) {
    make_directories(m_dir / "a");
    write_file_atomically(m_dir / "a/file", k_token);
    EXPECT_EQ(found(::time(nullptr) - 60), Paths{"/a/file"});
    EXPECT_EQ(found(::time(nullptr) + 60), Paths{});
}

}  // namespace
}  // namespace mstage::engine
