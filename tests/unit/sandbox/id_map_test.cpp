#include "sandbox/id_map.hpp"

#include <unistd.h>

#include "sandbox/user_namespace.hpp"
#include "support.hpp"

namespace mstage::sandbox {
namespace {

using Extents = std::vector<IdExtent>;

TEST(ParseSubid, FindsTheUserByNameAndById) {
    const std::string text = "other:1:2\nann:100000:65536\n1001:200000:10\n";
    EXPECT_EQ(parse_subid(text, "ann", 1001), (Extents{{1, 100000, 65536}, {65537, 200000, 10}}));
    EXPECT_EQ(parse_subid(text, "bob", 5), Extents{});
    EXPECT_EQ(parse_subid("", "ann", 1001), Extents{});
}

TEST(ParseSubid, SkipsWhatMakesNoSense) {
    EXPECT_EQ(parse_subid("# comment\n\nann\nann:1\nann:x:y\nann:0:10\nann:5:0\nann:-5:5\nann:7:3",
                          "ann", 1),
              (Extents{{1, 7, 3}}));
    EXPECT_EQ(parse_subid("anna:1:2\nan:1:2\n", "ann", 1), Extents{});
}

TEST(DetectIdMap, MapsRootFirst) {
    const IdMap map = detect_id_map();
    ASSERT_FALSE(map.uids.empty());
    ASSERT_FALSE(map.gids.empty());
    EXPECT_EQ(map.uids.front().inside, 0U);
    switch (map.mode) {
        case IdMode::identity:
            EXPECT_EQ(::geteuid(), 0U);
            EXPECT_EQ(map.uids.front().outside, 0U);
            break;
        case IdMode::ranges:
            EXPECT_EQ(map.uids.front(), (IdExtent{0, ::geteuid(), 1}));
            EXPECT_GT(map.uids.size(), 1U);
            EXPECT_GT(map.gids.size(), 1U);
            break;
        case IdMode::single:
            EXPECT_EQ(map.uids, (Extents{{0, ::geteuid(), 1}}));
            EXPECT_EQ(map.gids, (Extents{{0, ::getegid(), 1}}));
            break;
    }
}

TEST(DetectIdMap, NeedsCapabilitiesForIdentity) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can lose them";
    }
    test::Process other([] {
        if (::setresgid(54321, 54321, 54321) != 0 || ::setresuid(54321, 54321, 54321) != 0) {
            return 2;
        }
        const IdMap map = detect_id_map();
        return map.mode == IdMode::single && map.uids == Extents{{0, 54321, 1}} ? 0 : 1;
    });
    EXPECT_EQ(other.wait().code, 0);
}

TEST(ApplyIdMap, NamesTheFileThatItCannotWrite) {
    test::Process other([] {
        ::pause();
        return 0;
    });
    // The child lives in our own namespace, whose map is written already.
    test::error_of([&] { apply_id_map({IdMode::single, {{0, 1, 1}}, {{0, 1, 1}}}, other.pid()); });
}

}  // namespace
}  // namespace mstage::sandbox
