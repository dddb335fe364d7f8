#include "pipeline/key_difference.hpp"

#include "support.hpp"

namespace mstage::pipeline {
namespace {

using Strings = std::vector<std::string>;

Strings lines(const Json& before, const Json& after) {
    Strings found;
    for (const KeyDifference& difference : key_differences(before, after)) {
        found.push_back(fmt::format("{}{}{}: {} {}", difference.part,
                                    difference.name.empty() ? "" : " ", difference.name,
                                    difference.before.dump(), difference.after.dump()));
    }
    return found;
}

TEST(KeyDifference, OfTheSamePartsThereIsNone) {
    const Json parts = {{"command", "make"}, {"environment", {{"A", "1"}}}};
    EXPECT_EQ(lines(parts, parts), Strings{});
}

TEST(KeyDifference, OfWhateverParts) {
    EXPECT_EQ(lines({{"command", "a"}, {"network", true}, {"workdir", "/app"}, {"later", 1}},
                    {{"command", "b"}, {"network", false}, {"user", "me"}, {"later", 2}}),
              (Strings{"command: \"a\" \"b\"", "later: 1 2", "network: true false",
                       "user: null \"me\"", "workdir: \"/app\" null"}));
}

TEST(KeyDifference, VersionsAndParentComeFirst) {
    EXPECT_EQ(lines({{"command", "a"}, {"parent", "p"}, {"engine", "local"}, {"format", 1}},
                    {{"command", "b"}, {"parent", "q"}, {"engine", "other"}, {"format", 2}}),
              (Strings{"format: 1 2", "engine: \"local\" \"other\"", "parent: \"p\" \"q\"",
                       "command: \"a\" \"b\""}));
}

TEST(KeyDifference, NamesVariablesAndCaches) {
    EXPECT_EQ(
        lines({{"environment", {{"A", "1"}, {"B", "1"}, {"C", "1"}}}},
              {{"environment", {{"A", "1"}, {"B", "2"}, {"D", "1"}}}, {"caches", {{"/c", "id"}}}}),
        (Strings{"environment B: \"1\" \"2\"", "environment C: \"1\" null",
                 "environment D: null \"1\"", "caches /c: null \"id\""}));
}

TEST(KeyDifference, NamesCopiesByWhatIsCopiedWhere) {
    const auto copy = [](const char* image, const char* path, const char* destination) {
        return Json{{"image", image}, {"path", path}, {"destination", destination}};
    };
    EXPECT_EQ(lines({{"copies", {copy("1", "/a", ""), copy("2", "/b", "/x")}}},
                    {{"copies", {copy("3", "/a", ""), copy("2", "/b", "/x")}}}),
              Strings{"copies /a: \"1\" \"3\""});
    EXPECT_EQ(lines({{"copies", {copy("1", "/a", "")}}}, {{"copies", {copy("1", "/a", "/x")}}}),
              (Strings{"copies /a: \"1\" null", "copies /a → /x: null \"1\""}));
    EXPECT_EQ(lines(Json::object(), {{"copies", {copy("1", "/a", "")}}}),
              Strings{"copies /a: null \"1\""});
}

}  // namespace
}  // namespace mstage::pipeline
