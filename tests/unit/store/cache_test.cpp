#include "store/cache.hpp"

#include "support.hpp"

namespace mstage::store {
namespace {

using test::contains;
using test::error_of;

TEST(ParseCache, TakesAPathAndOptions) {
    const Cache cache = parse_cache("/root/.npm,sharing=locked,id=npm_1.0-x");
    EXPECT_EQ(cache, (Cache{"/root/.npm", "npm_1.0-x", CacheSharing::locked}));
    EXPECT_EQ(parse_cache("/a,id=b,sharing=private").sharing, CacheSharing::private_);
    EXPECT_EQ(parse_cache("/a").sharing, CacheSharing::shared);
    EXPECT_EQ(parse_cache("//a//b/./c/").path, "/a/b/c");
    EXPECT_EQ(parse_cache("/a/.").path, "/a");
    EXPECT_EQ(parse_cache("/tmp/ccache").path, "/tmp/ccache");
}

TEST(ParseCache, MakesAnIdOfThePath) {
    EXPECT_EQ(parse_cache("/root/.npm").id, "root-.npm-9a9bd570");
    EXPECT_EQ(parse_cache("/root//.npm/").id, parse_cache("/root/.npm").id);
    EXPECT_NE(parse_cache("/a-b").id, parse_cache("/a/b").id);
    for (const std::string path : {"/.hidden", "/...", "/caf\xc3\xa9", "/with space"}) {
        EXPECT_NO_THROW(check_cache_id(parse_cache(path).id)) << path;
    }
    EXPECT_NO_THROW(check_cache_id(parse_cache("/" + std::string(4000, 'x')).id));
}

TEST(ParseCache, SaysWhatIsWrong) {
    const auto message = [](const std::string& text) {
        return error_of<UsageError>([&] { parse_cache(text); }).message();
    };
    EXPECT_TRUE(contains(message("npm"), "must start with '/'"));
    EXPECT_TRUE(contains(message(""), "must start with '/'"));
    EXPECT_TRUE(contains(message("/a/../b"), "must not have '..'"));
    for (const char* own :
         {"/", "//", "/.", "/proc", "/proc/x", "/dev/shm", "/sys", "/tmp", "/run/", "//tmp"}) {
        EXPECT_TRUE(contains(message(own), "the sandbox's own")) << own;
    }
    EXPECT_TRUE(contains(message("/a,sharing=some"), "not 'some'"));
    EXPECT_TRUE(contains(message("/a,ro"), "'ro' is neither"));
    for (const char* id : {"", ".x", "a/b", "a b", "a@b", ".."}) {
        EXPECT_TRUE(contains(message(std::string("/a,id=") + id), "is no id of a cache")) << id;
    }
    EXPECT_THROW(check_cache_id(std::string(129, 'x')), UsageError);
}

TEST(ParseCaches, AreSortedAndDifferent) {
    const auto caches = parse_caches({"/b", "/a"});
    ASSERT_EQ(caches.size(), 2U);
    EXPECT_EQ(caches[0].path, "/a");
    const auto message = [](const std::vector<std::string>& texts) {
        return error_of<UsageError>([&] { parse_caches(texts); }).message();
    };
    EXPECT_EQ(message({"/a", "/b", "/a/,id=x"}), "two caches at '/a'");
    EXPECT_EQ(message({"/a,id=x", "/b,id=x"}), "caches '/a' and '/b' have the same id 'x'");
}

}  // namespace
}  // namespace mstage::store
