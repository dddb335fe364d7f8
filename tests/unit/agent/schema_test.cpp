#include "agent/schema.hpp"

#include "support.hpp"

namespace mstage::agent {
namespace {

using test::contains;

const Json k_schema = Json::parse(R"({
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1},
        "count": {"type": "integer", "minimum": 0, "default": 3},
        "mode": {"type": "string", "enum": ["all", "any"], "default": "all"},
        "env": {"type": "object", "additionalProperties": {"type": "string"}},
        "tag": {"type": ["string", "null"]}
    },
    "required": ["name"],
    "additionalProperties": false
})");

std::string faults(const char* text) {
    return fmt::format("{}", fmt::join(schema_faults(Json::parse(text), k_schema), "; "));
}

TEST(SchemaFaults, AreNoneOfWhatIsRight) {
    EXPECT_EQ(faults(R"({"name": "x"})"), "");
    EXPECT_EQ(faults(R"({"name": "x", "count": 0, "mode": "any", "env": {"A": "b"}, "tag": null})"),
              "");
}

TEST(SchemaFaults, NameTheMember) {
    EXPECT_PRED2(contains, faults("{}"), "name");
    EXPECT_PRED2(contains, faults(R"({"name": ""})"), "name: ");
    EXPECT_PRED2(contains, faults(R"({"name": 1})"), "name: ");
    EXPECT_PRED2(contains, faults(R"({"name": "x", "count": "3"})"), "count: ");
    EXPECT_PRED2(contains, faults(R"({"name": "x", "count": 1.5})"), "count: ");
    EXPECT_PRED2(contains, faults(R"({"name": "x", "count": -1})"), "count: ");
    EXPECT_PRED2(contains, faults(R"({"name": "x", "mode": "some"})"), "mode: ");
    EXPECT_PRED2(contains, faults(R"({"name": "x", "env": {"A": 1}})"), "env.A: ");
    EXPECT_PRED2(contains, faults(R"({"name": "x", "nmae": "y"})"), "nmae");
}

TEST(AddDefaults, FillsWhatIsMissing) {
    Json object = {{"name", "x"}, {"count", 0}};
    add_defaults(object, k_schema);
    EXPECT_EQ(object, Json({{"name", "x"}, {"count", 0}, {"mode", "all"}}));
}

}  // namespace
}  // namespace mstage::agent
