#include "base/json.hpp"

#include "support.hpp"

namespace mstage {
namespace {

using test::error_of;

TEST(ParseJson, TakesAnObject) {
    EXPECT_EQ(parse_json(R"({"a": 1})", "it"), Json({{"a", 1}}));
}

TEST(ParseJson, NamesWhatAndWhereTheFaultIs) {
    EXPECT_EQ(error_of([] { parse_json("{\"a\": ]", "plan 'x'"); }).message(),
              "plan 'x': not valid JSON at byte 7");
    EXPECT_EQ(error_of([] { parse_json("[]", "plan 'x'"); }).message(),
              "plan 'x': not a JSON object");
    EXPECT_TRUE(error_of([] { parse_json("", "plan 'x'"); })
                    .message()
                    .starts_with("plan 'x': not valid JSON"));
}

TEST(DumpJson, IsOneLineAndReplacesBytesThatAreNoUtf8) {
    EXPECT_EQ(dump_json({{"a", "x\xff\ny"}}), "{\"a\":\"x\xef\xbf\xbd\\ny\"}");
    EXPECT_EQ(dump_json_indented({{"a", 1}}), "{\n  \"a\": 1\n}\n");
}

TEST(JsonGet, NamesTheFieldThatIsMissingOrWrong) {
    const Json json = {{"text", "x"}, {"number", 1}};
    EXPECT_EQ(json_get<std::string>(json, "text"), "x");
    EXPECT_EQ(error_of([&] { json_get<int>(json, "none"); }).message(), "field 'none' is missing");
    EXPECT_EQ(error_of([&] { json_get<int>(json, "text"); }).message(),
              "field 'text' has the wrong type");
    EXPECT_EQ(error_of([&] { json_get<int>(Json("no object"), "a"); }).message(),
              "field 'a' is missing");
}

TEST(ParseJson, RefusesWhatIsNestedTooDeep) {
    const auto nested = [](size_t depth) {
        return R"({"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
    };
    EXPECT_NO_THROW(parse_json(nested(100), "x"));
    EXPECT_EQ(error_of([&] { parse_json(nested(1'000'000), "x"); }).message(),
              "x: nested too deep");
}

TEST(ParseJson, TakesOnlyObjectsWhereOneIsWanted) {
    EXPECT_EQ(parse_json_value("[1]", "x"), Json::array({1}));
    EXPECT_EQ(error_of([&] { parse_json("[1]", "x"); }).message(), "x: not a JSON object");
}

TEST(JsonFind, IsNothingForWhatIsMissingOrNull) {
    const Json json = {{"text", "x"}, {"null", nullptr}};
    EXPECT_EQ(json_find<std::string>(json, "text"), "x");
    EXPECT_FALSE(json_find<std::string>(json, "null"));
    EXPECT_FALSE(json_find<std::string>(json, "none"));
    error_of([&] { json_find<int>(json, "text"); });
}

}  // namespace
}  // namespace mstage
