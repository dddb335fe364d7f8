#include "agent/output.hpp"

#include "support.hpp"

namespace mstage::agent {
namespace {

KeptOutput kept(size_t limit, const std::string& text, size_t piece = 3) {
    KeptOutput output(limit);
    for (size_t at = 0; at < text.size(); at += piece) {
        output.add(std::string_view(text).substr(at, piece));
    }
    return output;
}

/// "0 1 2 3 …"
std::string numbers(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
        text += std::to_string(i) + " ";
    }
    return text;
}

TEST(KeptOutput, IsWholeUpToTheLimit) {
    for (const size_t piece : {1, 3, 100}) {
        const KeptOutput output = kept(10, "0123456789", piece);
        EXPECT_EQ(output.shown(10), "0123456789");
        EXPECT_EQ(output.shown(100), "0123456789");
        EXPECT_TRUE(output.is_whole_in(10));
        EXPECT_FALSE(output.is_whole_in(9));
    }
    EXPECT_EQ(KeptOutput(10).shown(10), "");
}

TEST(KeptOutput, HasBeginningAndEndOfWhatIsLonger) {
    const std::string text = numbers(1000);
    for (const size_t piece : {1, 7, 100, 5000}) {
        const KeptOutput output = kept(100, text, piece);
        const std::string shown = output.shown(100);
        EXPECT_TRUE(shown.starts_with(text.substr(0, 25) + "\n[... ")) << shown;
        EXPECT_TRUE(shown.ends_with(" bytes left out ...]\n" + text.substr(text.size() - 75)));
        EXPECT_TRUE(shown.find(fmt::format("[... {} bytes", text.size() - 100)) !=
                    std::string::npos);
        EXPECT_EQ(output.size(), text.size());
    }
}

TEST(KeptOutput, CanBeShownShorterThanItWasKept) {
    const std::string text = numbers(1000);
    const std::string shown = kept(1000, text).shown(40);
    EXPECT_TRUE(shown.starts_with(text.substr(0, 10) + "\n"));
    EXPECT_TRUE(shown.ends_with("\n" + text.substr(text.size() - 30)));
    EXPECT_EQ(kept(1000, text).shown(0),
              fmt::format("\n[... {} bytes left out ...]\n", text.size()));
}

TEST(KeptOutput, CutsNoCharacterInTwo) {
    std::string text;
    for (int i = 0; i < 100; ++i) {
        text += "ä€😀";
    }
    for (size_t limit = 1; limit < 60; ++limit) {
        const std::string shown = kept(60, text).shown(limit);
        EXPECT_NO_THROW(Json(shown).dump()) << limit;
    }
}

TEST(KeptOutput, OutlivesItsProcess) {
    const KeptOutput output = kept(50, numbers(100));
    EXPECT_EQ(KeptOutput::from_json(output.to_json()).shown(50), output.shown(50));
}

TEST(WholeCharacters, LeavesOutAPartAtTheEnd) {
    EXPECT_EQ(whole_characters("a€"), "a€");
    EXPECT_EQ(whole_characters("a\xE2\x82"), "a");
    EXPECT_EQ(whole_characters("a\xF0\x9F\x98"), "a");
    EXPECT_EQ(whole_characters(""), "");
    EXPECT_EQ(whole_characters("\x80\x80"), "\x80\x80");  // no UTF-8 anyway
}

}  // namespace
}  // namespace mstage::agent
