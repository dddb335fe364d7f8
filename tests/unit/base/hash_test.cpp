#include "base/hash.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "support.hpp"

namespace mstage {
namespace {

// FIPS 180-2, appendix B, and the digest of nothing.
constexpr const char* k_of_nothing =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr const char* k_of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* k_of_two_blocks =
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";
constexpr const char* k_of_million_a =
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST(Sha256, AgreesWithTheStandard) {
    EXPECT_EQ(sha256_hex(""), k_of_nothing);
    EXPECT_EQ(sha256_hex("abc"), k_of_abc);
    EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              k_of_two_blocks);
    EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')), k_of_million_a);
}

TEST(Sha256, IsTheSameInPieces) {
    Sha256 hash;
    hash.update("a");
    hash.update("");
    Sha256 moved = std::move(hash);
    moved.update("bc");
    EXPECT_EQ(moved.finish(), k_of_abc);
}

TEST(Sha256, SeesNulBytes) {
    EXPECT_NE(sha256_hex(std::string_view("a\0b", 3)), sha256_hex("a"));
}

TEST(Sha256, ReadsADescriptorFromWhereItStands) {
    const test::TempDir dir;
    write_file_atomically(dir / "f", "skip" + std::string(1'000'000, 'a'));
    const Fd fd = open_fd(dir / "f", O_RDONLY);
    ASSERT_EQ(::lseek(fd.get(), 4, SEEK_SET), 4);
    EXPECT_EQ(sha256_hex_of_fd(fd.get()), k_of_million_a);
    EXPECT_EQ(sha256_hex_of_fd(fd.get()), k_of_nothing);
}

TEST(Sha256, IsRecognisedByItsForm) {
    EXPECT_TRUE(is_sha256_hex(k_of_abc));
    EXPECT_FALSE(is_sha256_hex(""));
    EXPECT_FALSE(is_sha256_hex(std::string(63, 'a')));
    EXPECT_FALSE(is_sha256_hex(std::string(65, 'a')));
    EXPECT_FALSE(is_sha256_hex(std::string(64, 'A')));
    EXPECT_FALSE(is_sha256_hex(fmt::format("{:a<63}/", "")));
    EXPECT_FALSE(is_sha256_hex(fmt::format("{:a<61}/..", "")));
}

}  // namespace
}  // namespace mstage
