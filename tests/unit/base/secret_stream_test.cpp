#include "base/secret_stream.hpp"

#include "base/base64.hpp"
#include "support.hpp"

namespace mstage {
namespace {

SecretPatterns patterns_of(const std::vector<std::string>& values) {
    SecretPatterns patterns;
    for (const std::string& value : values) {
        patterns.add(value);
    }
    return patterns;
}

/// The text in pieces of `size` bytes, without the secrets.
std::string in_pieces(const SecretPatterns& patterns, std::string_view text, size_t size,
                      SecretStream::End end = SecretStream::End::whole) {
    std::string result;
    SecretStream stream(
        patterns, [&](std::string_view clear) { result += clear; },
        [&](size_t secret) { result += "<" + std::to_string(secret) + ">"; });
    for (size_t at = 0; at < text.size(); at += size) {
        stream.feed(text.substr(at, size));
    }
    stream.finish(end);
    return result;
}

/// The same result for pieces of all sizes.
void expect_redacted(const SecretPatterns& patterns, const std::string& text,
                     const std::string& expected) {
    for (size_t size = 1; size <= text.size(); ++size) {
        ASSERT_EQ(in_pieces(patterns, text, size), expected) << "in pieces of " << size;
    }
}

std::string wrapped(const std::string& text, size_t width, const std::string& line_end) {
    std::string lines;
    for (size_t at = 0; at < text.size(); at += width) {
        lines += text.substr(at, width) + line_end;
    }
    return lines;
}

const std::string k_token = "s3cr3t/T0ken+x";

TEST(SecretStreamTest, PassesOnWhatIsNoSecret) {
    const SecretPatterns patterns = patterns_of({k_token});
    expect_redacted(patterns, "", "");
    expect_redacted(patterns, "s3cr3t/T0ken and s3cr3t", "s3cr3t/T0ken and s3cr3t");
    expect_redacted(SecretPatterns(), "anything", "anything");
}

TEST(SecretStreamTest, FindsAPlainValue) {
    const SecretPatterns patterns = patterns_of({k_token, "another one"});
    expect_redacted(patterns, k_token, "<0>");
    expect_redacted(patterns, "a" + k_token + "b", "a<0>b");
    expect_redacted(patterns, "s3cr3s3cr3t/T0ken+x", "s3cr3<0>");
    expect_redacted(patterns, k_token + k_token + " another one", "<0><0> <1>");
}

TEST(SecretStreamTest, LineEndsAtTheEndAreNoPartOfIt) {
    expect_redacted(patterns_of({k_token + "\r\n"}), "(" + k_token + ")", "(<0>)");
}

TEST(SecretStreamTest, ATerminalsLineEndsHideNothing) {
    expect_redacted(patterns_of({"login me\npw hunter2\nx=1"}),
                    "a login me\r\npw hunter2\r\nx=1 b", "a <0> b");
}

TEST(SecretStreamTest, TooShortOnesCountAsNumbersOnly) {
    const SecretPatterns patterns = patterns_of({"abc", k_token});
    expect_redacted(patterns, "abc " + k_token, "abc <1>");
    EXPECT_TRUE(patterns_of({"abc\n"}).empty());
}

TEST(SecretStreamTest, FindsOneThatBeginsInAnother) {
    expect_redacted(patterns_of({"abcdefgh", "fghijklm"}), "-abcdefghijklm-", "-<0>-");
}

TEST(SecretStreamTest, FindsThePercentForm) {
    const SecretPatterns patterns = patterns_of({"pass word/ä%1"});
    expect_redacted(patterns, "u=pass%20word%2F%C3%A4%251&", "u=<0>&");
    expect_redacted(patterns, "u=pass+word%2f%c3%a4%251&", "u=<0>&");
    expect_redacted(patterns, "u=pass%20word/\u00e4%1&", "u=<0>&");
    expect_redacted(patterns, "u=%70%61%73%73%20%77ord%2F%C3%A4%251&", "u=<0>&");
    expect_redacted(patterns, "u=pass%20word%2F%C3%A5", "u=pass%20word%2F%C3%A5");
}

TEST(SecretStreamTest, FindsTheFormOfJsonStrings) {
    const SecretPatterns patterns = patterns_of({"pa\"ss\\w/\tä\U0001f511é<"});
    expect_redacted(patterns, R"({"p": "pa\"ss\\w/\tä🔑é<"})", R"({"p": "<0>"})");
    expect_redacted(patterns, R"("pa\"ss\\w\/\t\u00e4\ud83d\uDD11\u00E9\u003c")", R"("<0>")");
    expect_redacted(patterns, R"(\u0070a\u0022ss\u005cw/\u0009ä🔑é<x)", "<0>x");
    for (const char* other :
         {R"(pa\"ss\\w\/\t\u00e4\ud83d\uDD12\u00E9)", R"(pa\"ss\\w\/\t\u00e4\ud83d)",
          R"(pa\"ss\\w\/\t\u00e4\ud83dx)", R"(pa\"ss\\w\/\t\u00)", R"(pa\"ss\)"}) {
        expect_redacted(patterns, other, other);
    }
    const SecretPatterns lines = patterns_of({"login me\npw hunter2\n"});
    expect_redacted(lines, R"("login me\npw hunter2\n")", R"("<0>\n")");
}

TEST(SecretStreamTest, FindsHexadecimalDigits) {
    const SecretPatterns patterns = patterns_of({"Key/\xff\nz"});
    expect_redacted(patterns, "x4b65792fff0a7ay", "x<0>y");
    expect_redacted(patterns, "4B65792FFF0A7A", "<0>");
    expect_redacted(patterns, "4B:65:79:2F:FF:0A:7A", "<0>");
    expect_redacted(patterns, " 4b 65 79 2f\n 0a", " 4b 65 79 2f\n 0a");
    expect_redacted(patterns, " 4b 65 79 2f ff\n 0a 7a\n", " <0>\n");
    expect_redacted(patterns, "4b65792fff0a7b", "4b65792fff0a7b");
}

TEST(SecretStreamTest, FindsBase64WhateverIsEncodedBesides) {
    const SecretPatterns patterns = patterns_of({k_token});
    for (const std::string before : {"", "a", "ab", "user:", "u:", "me:"}) {
        for (const std::string after : {"", "\n", "0", "01", " and more"}) {
            const std::string text = encode_base64(before + k_token + after);
            const std::string result = in_pieces(patterns, text, 7);
            EXPECT_TRUE(test::contains(result, "<0>")) << before << "|" << after << ": " << result;
            // What is left are the letters that others have a part in.
            EXPECT_LE(result.size(), encode_base64(before).size() + encode_base64(after).size() + 7)
                << result;
        }
    }
}

TEST(SecretStreamTest, FindsAllOfWhatBase64Prints) {
    const SecretPatterns patterns = patterns_of({k_token + "\n"});
    expect_redacted(patterns, "Basic " + encode_base64(k_token) + "\n", "Basic <0>\n");
    expect_redacted(patterns, encode_base64(k_token + "\n") + "\n", "<0>\n");
}

TEST(SecretStreamTest, FindsTheAlphabetOfUrls) {
    const std::string value = "\xfb\xef\xbe\xff\xff\xff\xfb\xef";
    std::string text = encode_base64(value);
    ASSERT_EQ(text, "++++////++8=");
    const SecretPatterns patterns = patterns_of({value});
    expect_redacted(patterns, "x" + text, "x<0>");
    expect_redacted(patterns, "x----____--8=", "x<0>");
    expect_redacted(patterns, "x--__----____", "x--__----____");
}

TEST(SecretStreamTest, LineEndsMayBeAnywhereInBase64) {
    std::string value;
    for (int i = 0; i < 300; ++i) {
        value += static_cast<char>(i * 7 + i / 13 + 1);
    }
    const SecretPatterns patterns = patterns_of({value});
    const std::string text = encode_base64(value);
    for (const size_t width : {1U, 2U, 3U, 64U, 76U}) {
        for (const std::string line_end : {"\n", "\r\n", "\n    "}) {
            EXPECT_EQ(in_pieces(patterns, wrapped(text, width, line_end), 50), "<0>" + line_end)
                << width;
        }
    }
    // A line of it alone, as `base64` prints it.
    EXPECT_EQ(in_pieces(patterns, "a " + text.substr(76, 76) + " b", 9), "a <0> b");
}

TEST(SecretStreamTest, LinesOfASecretCountByThemselves) {
    const std::string key =
        "-----BEGIN PRIVATE KEY-----\n"
        "MIIEvgIBADANBgkqhkiG9w0BAQEFAASC\n"
        "a2V5IG1hdGVyaWFsIGluIGxpbmVzIG9m\n"
        "c2hvcnQ=\n"
        "-----END PRIVATE KEY-----\n";
    const SecretPatterns patterns = patterns_of({key});
    expect_redacted(patterns, key, "<0>\n");
    expect_redacted(patterns, "  a2V5IG1hdGVyaWFsIGluIGxpbmVzIG9m\r\n", "  <0>\r\n");
    // What every such file has gives nothing away, and neither does a short line.
    expect_redacted(patterns, "-----BEGIN PRIVATE KEY-----\nc2hvcnQ=\n",
                    "-----BEGIN PRIVATE KEY-----\nc2hvcnQ=\n");
}

TEST(SecretStreamTest, HoldsBackOnlyWhatMayBecomeOne) {
    const SecretPatterns patterns = patterns_of({k_token});
    std::string shown;
    SecretStream stream(
        patterns, [&](std::string_view clear) { shown += clear; },
        [&](size_t) { shown += k_redacted; });
    stream.feed("Password: ");
    EXPECT_EQ(shown, "Password: ");
    stream.feed("\nnow s3");
    EXPECT_EQ(shown, "Password: \nnow ");
    stream.feed("x");
    EXPECT_EQ(shown, "Password: \nnow s3x");
    stream.feed(k_token);
    EXPECT_EQ(shown, "Password: \nnow s3x***");
}

TEST(SecretStreamTest, WhatIsTypedComesBackAtOnce) {
    const SecretPatterns patterns = patterns_of({k_token});
    std::string shown;
    SecretStream stream(
        patterns, [&](std::string_view clear) { shown += clear; },
        [&](size_t) { shown += k_redacted; }, 4);
    stream.feed("s");
    EXPECT_EQ(shown, "s");
    stream.feed("3");
    EXPECT_EQ(shown, "s3");
    stream.feed(" " + k_token.substr(0, 5));
    EXPECT_EQ(shown, "s3 ");
    stream.feed(k_token.substr(5));
    EXPECT_EQ(shown, "s3 ***");
}

TEST(SecretStreamTest, WhatIsCutOffCountsWhenItIsMostOfASecret) {
    const SecretPatterns patterns = patterns_of({k_token});
    const std::string most = k_token.substr(0, 8);
    EXPECT_EQ(in_pieces(patterns, "a" + most, 3, SecretStream::End::cut), "a<0>");
    EXPECT_EQ(in_pieces(patterns, "a" + most, 3, SecretStream::End::whole), "a" + most);
    EXPECT_EQ(in_pieces(patterns, "as3", 3, SecretStream::End::cut), "as3");
}

TEST(SecretStreamTest, ManySecretsInMuchText) {
    SecretPatterns patterns;
    for (int i = 0; i < 500; ++i) {
        patterns.add("secret number " + std::to_string(1000 + i));
    }
    std::string text;
    std::string expected;
    for (int i = 0; i < 2000; ++i) {
        text += "line " + std::to_string(i) + " secret number " + std::to_string(i) + "\n";
        expected += "line " + std::to_string(i) + " ";
        expected += i >= 1000 && i < 1500 ? "<" + std::to_string(i - 1000) + ">"
                                          : "secret number " + std::to_string(i);
        expected += "\n";
    }
    EXPECT_EQ(in_pieces(patterns, text, 4096), expected);
}

TEST(SecretStreamTest, RedactedTexts) {
    EXPECT_EQ(redacted(patterns_of({k_token}), "/app/" + k_token + ".txt"), "/app/***.txt");
}

}  // namespace
}  // namespace mstage
