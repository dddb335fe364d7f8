#include "agent/fit.hpp"

#include "support.hpp"

namespace mstage::agent {
namespace {

Json list_of(size_t count) {
    Json list = Json::array();
    for (size_t i = 0; i < count; ++i) {
        list.push_back({{"path", fmt::format("/a/file/number/{}", i)}, {"size", i}});
    }
    return list;
}

TEST(Fit, LeavesAloneWhatFits) {
    const Json answer = {{"files", list_of(10)}, {"text", "short"}};
    Json fitted = answer;
    fit(fitted);
    EXPECT_EQ(fitted, answer);
}

TEST(Fit, CutsTheLongestListAndSaysSo) {
    Json answer = {{"files", list_of(5000)}, {"names", list_of(3)}, {"ok", true}};
    fit(answer);
    EXPECT_LE(tool_result_size(answer), k_compact_result);
    EXPECT_EQ(answer["names"], list_of(3));
    const size_t left = answer["files"].size();
    EXPECT_GT(left, 10U);
    EXPECT_EQ(answer["truncated"], Json::array({fmt::format("files: {} of 5000", left)}));
    EXPECT_EQ(answer["files"].front(), list_of(1).front());
}

TEST(Fit, CutsTextsAndListsWhereverTheyAre) {
    Json answer = {{"now", {{"differences", list_of(2000)}, {"text", std::string(20000, 'x')}}},
                   {"upstream", Json::array({{{"files", list_of(2000)}}})}};
    fit(answer);
    EXPECT_LE(tool_result_size(answer), k_compact_result);
    EXPECT_EQ(answer["truncated"].size(), 3U);
}

TEST(Fit, KeepsCharactersWhole) {
    std::string text;
    for (int i = 0; i < 9000; ++i) {
        text += "€";
    }
    Json answer = {{"text", text}};
    fit(answer);
    EXPECT_NO_THROW(answer.dump());
    EXPECT_LE(tool_result_size(answer), k_compact_result);
}

TEST(Fit, EndsWhenThereIsNothingToCut) {
    Json answer = Json::object();
    for (int i = 0; i < 2000; ++i) {
        answer[fmt::format("number {}", i)] = i;
    }
    fit(answer);
    EXPECT_EQ(answer.size(), 2000U);
}

TEST(FitPage, SaysWhereTheNextPartBegins) {
    Json answer = {{"files", list_of(500)}};
    fit_page(answer, "files", 100, 5000);
    EXPECT_LE(tool_result_size(answer), k_compact_result);
    EXPECT_EQ(answer["total"], 5000);
    EXPECT_EQ(answer["next_offset"], 100 + answer["files"].size());
    EXPECT_GT(answer["files"].size(), 20U);
}

TEST(FitPage, HasNoNextPartAtTheEnd) {
    Json answer = {{"files", list_of(5)}};
    fit_page(answer, "files", 95, 100);
    EXPECT_EQ(answer["files"].size(), 5U);
    EXPECT_FALSE(answer.contains("next_offset"));
}

}  // namespace
}  // namespace mstage::agent
