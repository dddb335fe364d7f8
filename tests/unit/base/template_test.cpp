#include "base/template.hpp"

#include "support.hpp"

namespace mstage {
namespace {

using test::contains;
using test::error_of;

TEST(FillTemplate, PutsValuesInTheirPlaces) {
    EXPECT_EQ(fill_template("<a>{{x}}</a>{{y}}{{x}}", {{"x", "1"}, {"y", ""}}), "<a>1</a>1");
    EXPECT_EQ(fill_template("", {}), "");
    EXPECT_EQ(fill_template("{ {x} } }}", {}), "{ {x} } }}");
}

TEST(FillTemplate, DoesNotLookIntoValues) {
    EXPECT_EQ(fill_template("{{x}}{{y}}", {{"x", "{{y}}"}, {"y", "{{x}}"}}), "{{y}}{{x}}");
}

TEST(FillTemplate, RefusesAPlaceWithoutValue) {
    for (const char* text : {"{{none}}", "{{", "a{{x"}) {
        EXPECT_TRUE(contains(error_of([&] { fill_template(text, {}); }).message(), "no value"))
            << text;
    }
}

}  // namespace
}  // namespace mstage
