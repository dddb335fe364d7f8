#include "base/uuid.hpp"

#include <set>

#include "support.hpp"

namespace mstage {
namespace {

constexpr const char* k_text = "0123abcd-4567-489a-bcde-0123456789ab";

TEST(Uuid, ParsesItsOwnForm) {
    const auto uuid = Uuid::parse(k_text);
    ASSERT_TRUE(uuid);
    EXPECT_EQ(uuid->str(), k_text);
    EXPECT_EQ(uuid->short_form(), "0123abcd");
    EXPECT_EQ(Uuid::parse("0123ABCD-4567-489A-BCDE-0123456789AB"), uuid);
}

TEST(Uuid, RefusesEverythingElse) {
    for (const std::string text :
         {"", "0123abcd", "0123abcd-4567-489a-bcde-0123456789a",
          "../../../../../../../../../../../../", "0123abcd-4567-489a-bcde-0123456789abc",
          "0123abcd+4567-489a-bcde-0123456789ab", "g123abcd-4567-489a-bcde-0123456789ab",
          " 123abcd-4567-489a-bcde-0123456789ab"}) {
        EXPECT_FALSE(Uuid::parse(text)) << text;
    }
    EXPECT_FALSE(Uuid::parse(std::string_view("0123abcd-4567-489a-bcde-01234567\0abc", 36)));
}

TEST(Uuid, IsNeverGeneratedTwice) {
    std::set<Uuid> uuids;
    for (int count = 0; count < 1000; ++count) {
        const Uuid uuid = Uuid::generate();
        EXPECT_EQ(Uuid::parse(uuid.str()), uuid);
        uuids.insert(uuid);
    }
    EXPECT_EQ(uuids.size(), 1000U);
}

}  // namespace
}  // namespace mstage
