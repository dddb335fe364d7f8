#include "base/text.hpp"

#include "support.hpp"

namespace mstage {
namespace {

using namespace std::chrono_literals;
using test::error_of;
using Strings = std::vector<std::string>;

std::string all_bytes() {
    std::string text;
    for (int byte = 1; byte < 256; ++byte) {
        text += static_cast<char>(byte);
    }
    return text;
}

TEST(ShellQuote, LeavesPlainWordsAlone) {
    EXPECT_EQ(shell_quote("a-b_c/d.e=f:1,2@3%4+5^6"), "a-b_c/d.e=f:1,2@3%4+5^6");
    EXPECT_EQ(shell_quote(""), "''");
    EXPECT_EQ(shell_quote("it's"), "'it'\\''s'");
    EXPECT_EQ(shell_quote("~"), "'~'");
}

TEST(ShellQuote, IsUndoneByARealShell) {
    for (const std::string& word :
         Strings{"", "plain", "two words", "'", "\"", "$HOME `id` \\ !x", "*", "-n", "a\nb\n",
                 "~root", "#c", "{a,b}", "a;b&c|d<e>f(g)", "caf\xc3\xa9", all_bytes()}) {
        const std::string command = "printf %s " + shell_quote(word);
        EXPECT_EQ(capture_output({.argv = {"sh", "-c", command}, .package_hint = ""}), word)
            << command;
    }
}

TEST(EscapeControl, LetsTextThrough) {
    const std::string text =
        "tab\t line\n caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 no-break\xc2\xa0space";
    EXPECT_EQ(escape_control(text), text);
    EXPECT_EQ(escape_control(""), "");
}

TEST(EscapeControl, ShowsControlCharacters) {
    EXPECT_EQ(escape_control("a\rb\x07\x1b[2Jc\x7f"), "a\\x0db\\x07\\x1b[2Jc\\x7f");
    EXPECT_EQ(escape_control(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(EscapeControl, ShowsTheControlsOfTheSecondTable) {
    EXPECT_EQ(escape_control("\xc2\x9b"
                             "31m"),
              "\\xc2\\x9b31m")
        << "U+009B starts a sequence too";
    EXPECT_EQ(escape_control("\x9b"), "\\x9b");
}

TEST(EscapeControl, ShowsBytesThatAreNoUtf8) {
    EXPECT_EQ(escape_control("a\xff z"), "a\\xff z");
    EXPECT_EQ(escape_control("\xe2\x82"), "\\xe2\\x82") << "cut off";
    EXPECT_EQ(escape_control("\xe2\x82x"), "\\xe2\\x82x") << "cut off by something else";
    EXPECT_EQ(escape_control("\xc0\xaf"), "\\xc0\\xaf") << "longer than it need be";
    EXPECT_EQ(escape_control("\xf5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80") << "beyond Unicode";
}

TEST(EscapeControl, KeepsColoursWhenAsked) {
    const std::string coloured = "\x1b[1;31mred\x1b[0m \x1b[m";
    EXPECT_EQ(escape_control(coloured, KeepColours::yes), coloured);
    EXPECT_EQ(escape_control("\x1b[2J\x1b]0;title\x07\x1b[?25l\x1b[1;31", KeepColours::yes),
              "\\x1b[2J\\x1b]0;title\\x07\\x1b[?25l\\x1b[1;31");
    EXPECT_EQ(escape_control("\x1b[31m"), "\\x1b[31m");
}

TEST(EscapeFileName, IsReversible) {
    for (const std::string& name : Strings{"", ".", "..", ".hidden", "a/b", "python:3.11-slim", "%",
                                           "%41", "a b", "\n", "caf\xc3\xa9", all_bytes()}) {
        const std::string escaped = escape_file_name(name);
        EXPECT_EQ(unescape_file_name(escaped), name) << escaped;
        EXPECT_FALSE(escaped.empty());
        EXPECT_NE(escaped.front(), '.') << name;
        EXPECT_EQ(escaped.find('/'), std::string::npos) << name;
    }
}

TEST(EscapeFileName, IsReadable) {
    EXPECT_EQ(escape_file_name("Aa0._+-"), "Aa0._+-");
    EXPECT_EQ(escape_file_name("python:3.11"), "python%3A3.11");
    EXPECT_EQ(escape_file_name(".."), "%2E.");
}

TEST(UnescapeFileName, RefusesWhatIsNotEscaped) {
    for (const char* text : {"a%", "a%4", "%zz", "%4g", "%2f"}) {
        EXPECT_EQ(error_of([&] { unescape_file_name(text); }).message(),
                  fmt::format("'{}' is not an escaped name", text));
    }
}

TEST(EscapeDepfilePath, EscapesWhatNinjaTakesForSyntax) {
    EXPECT_EQ(escape_depfile_path("/a/b-c_d+e~f@g.c"), "/a/b-c_d+e~f@g.c");
    EXPECT_EQ(escape_depfile_path("/a b/#c/$d"), "/a\\ b/\\#c/$$d");
    EXPECT_EQ(escape_depfile_path("/caf\xc3\xa9"), "/caf\xc3\xa9");
}

TEST(EscapeDepfilePath, IsNothingForWhatCannotBeWritten) {
    for (const char* path : {"/a;b", "/a*b", "/a\nb", "/a\tb", "/a'b", "/a\"b", "/a\\b", "/a|b",
                             "/a&b", "/a`b", "/a:"}) {
        EXPECT_FALSE(escape_depfile_path(path)) << path;
    }
}

TEST(Split, KeepsEmptyParts) {
    EXPECT_EQ(split("a:b", ':'), (Strings{"a", "b"}));
    EXPECT_EQ(split("", ':'), (Strings{""}));
    EXPECT_EQ(split(":a::", ':'), (Strings{"", "a", "", ""}));
}

TEST(LastLines, GivesTheEnd) {
    EXPECT_EQ(last_lines("a\nb\nc\n", 2), "b\nc");
    EXPECT_EQ(last_lines("a\nb\nc", 2), "b\nc");
    EXPECT_EQ(last_lines("a\nb", 2), "a\nb");
    EXPECT_EQ(last_lines("a\nb\n", 9), "a\nb");
    EXPECT_EQ(last_lines("a\nb\n", 1), "b");
    EXPECT_EQ(last_lines("a\n", 0), "");
    EXPECT_EQ(last_lines("", 3), "");
}

TEST(LastLines, CountsEmptyLines) {
    EXPECT_EQ(last_lines("a\n\nb\n", 2), "\nb");
    EXPECT_EQ(last_lines("a\nb\n\n", 2), "b\n");
    EXPECT_EQ(last_lines("\nb", 2), "\nb");
    EXPECT_EQ(last_lines("\nb", 1), "b");
    EXPECT_EQ(last_lines("\n\n", 5), "\n");
}

TEST(CutLines, ShortensLongOnes) {
    EXPECT_EQ(cut_lines("", 3), "");
    EXPECT_EQ(cut_lines("abc\n\nab\n", 3), "abc\n\nab\n");
    EXPECT_EQ(cut_lines("abcdef\nabc", 3), "abc … (3 more bytes)\nabc");
    EXPECT_EQ(cut_lines("ab\u00fcx", 3), "ab … (3 more bytes)") << "not in the midst of a letter";
    EXPECT_EQ(cut_lines("\u00fc", 1), " … (2 more bytes)");
}

TEST(HumanSize, HasThreeDigits) {
    EXPECT_EQ(human_size(0), "0 B");
    EXPECT_EQ(human_size(999), "999 B");
    EXPECT_EQ(human_size(1000), "0.98 KiB");
    EXPECT_EQ(human_size(1536), "1.50 KiB");
    EXPECT_EQ(human_size(10 << 20), "10.0 MiB");
    EXPECT_EQ(human_size(248ULL << 20), "248 MiB");
    EXPECT_EQ(human_size(3ULL << 40), "3.00 TiB");
    EXPECT_EQ(human_size(~0ULL), "16384 PiB");
}

TEST(HumanDuration, HasOneUnit) {
    EXPECT_EQ(human_duration(0ns), "0 ms");
    EXPECT_EQ(human_duration(12ms), "12 ms");
    EXPECT_EQ(human_duration(1500ms), "1.5 s");
    EXPECT_EQ(human_duration(3min), "3 min");
    EXPECT_EQ(human_duration(30h), "30 h");
    EXPECT_EQ(human_duration(72h), "3 days");
}

TEST(Time, ComesBackFromText) {
    for (const char* text : {"2026-01-31T12:00:00.123456Z", "1970-01-01T00:00:00.000000Z",
                             "2024-02-29T23:59:59.999999Z", "1969-12-31T23:59:59.500000Z"}) {
        EXPECT_EQ(format_time(parse_time(text)), text);
    }
    const TimePoint now =
        std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    EXPECT_EQ(parse_time(format_time(now)), now);
}

TEST(Time, IsUtcWhereverWeAre) {
    ::setenv("TZ", "America/New_York", 1);
    ::tzset();
    EXPECT_EQ(format_time(TimePoint{}), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(parse_time("1970-01-01T00:00:00.000000Z"), TimePoint{});
    ::unsetenv("TZ");
    ::tzset();
}

TEST(Time, MayHaveFewerDigitsAndAnOffset) {
    const TimePoint noon = parse_time("2026-01-31T12:00:00.000000Z");
    using namespace std::chrono_literals;
    EXPECT_EQ(parse_time("2026-01-31T12:00:00Z"), noon);
    EXPECT_EQ(parse_time("2026-01-31T12:00:00.5Z"), noon + 500ms);
    EXPECT_EQ(parse_time("2026-01-31T12:00:00.123456789Z"), noon + 123456us);
    EXPECT_EQ(parse_time("2026-01-31T14:30:00+02:30"), noon);
    EXPECT_EQ(parse_time("2026-01-31T05:00:00.5-07:00"), noon + 500ms);
}

TEST(Time, RefusesWhatIsNone) {
    for (const char* text :
         {"", "now", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31T12:00:00.12",
          "2026-01-31T12:00:00+2", "2026-01-31T12:00:00+02:0x", "2026-01-31T12:00:00Zx"}) {
        EXPECT_EQ(error_of([&] { parse_time(text); }).message(),
                  fmt::format("'{}' is not a time", text));
    }
}

}  // namespace
}  // namespace mstage
