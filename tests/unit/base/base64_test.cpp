#include "base/base64.hpp"

#include "support.hpp"

namespace mstage {
namespace {

// RFC 4648, section 10, and all of the alphabet that is no letter or digit.
TEST(Base64Test, IsAsTheStandardHasIt) {
    const std::vector<std::pair<std::string, std::string>> pairs = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xfe\xfd", "//79"},
        {std::string(1, '\0'), "AA=="},
    };
    for (const auto& [bytes, text] : pairs) {
        EXPECT_EQ(encode_base64(bytes), text);
        EXPECT_EQ(decode_base64(text), bytes);
    }
}

TEST(Base64Test, MayBeInLines) {
    EXPECT_EQ(decode_base64("Zm9v\nYg==\r\n"), "foob");
    EXPECT_EQ(decode_base64("  Zg = =\n"), "f");
    EXPECT_EQ(decode_base64("\n"), "");
}

TEST(Base64Test, OtherTextIsNone) {
    for (const char* text :
         {"Zg", "Zg=", "Z*==", "Zm9vYg==Zm9v", "Z===", "====", "-_79", "Zm9v-", "Zm9v----"}) {
        EXPECT_EQ(test::error_of([&] { decode_base64(text); }).message(),
                  fmt::format("'{}' is no base64", text));
    }
}

}  // namespace
}  // namespace mstage
