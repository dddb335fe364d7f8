#include "source/stat_cache.hpp"

#include "test_tree.hpp"

namespace mstage::source {

class StatCacheTest : public TreeTest {
protected:
    static FileStatus status(std::int64_t mtime, std::int64_t ctime) {
        return {.inode = 7, .size = 1, .mtime = mtime, .ctime = ctime, .mode = 0100644};
    }
    static constexpr std::int64_t k_second = 1'000'000'000;
    static constexpr std::int64_t k_scan = 1'700'000'000 * k_second + 300;
};

TEST_F(StatCacheTest, TrustsOnlyWhatIsOlderThanTheScan) {
    EXPECT_TRUE(is_older(status(k_scan - 1, k_scan - 1), k_scan));
    EXPECT_FALSE(is_older(status(k_scan, k_scan - 1), k_scan));
    EXPECT_FALSE(is_older(status(k_scan - 1, k_scan), k_scan));
    EXPECT_FALSE(is_older(status(k_scan - 1, k_scan + 1), k_scan));
}

TEST_F(StatCacheTest, AllowsForFileSystemsThatCountSeconds) {
    const std::int64_t whole = k_scan - 300;
    EXPECT_FALSE(is_older(status(whole, whole), k_scan));
    EXPECT_FALSE(is_older(status(whole - k_second, whole - k_second), k_scan));
    EXPECT_TRUE(is_older(status(whole - 2 * k_second, whole - 2 * k_second), k_scan));
    EXPECT_TRUE(is_older(status(whole, whole - 1), k_scan)) << "only the change time tells";
}

TEST_F(StatCacheTest, ClockIsTheFileSystems) {
    for (int i = 0; i < 20; ++i) {
        const std::int64_t before = file_system_clock();
        write("f", std::to_string(i));
        struct stat info {};
        ASSERT_EQ(::lstat(at("f").c_str(), &info), 0);
        EXPECT_GE(status_of(info).ctime, before);
    }
}

TEST_F(StatCacheTest, FindsRecordsInOrder) {
    const std::string hash(64, 'a');
    const std::string key("key\0\n", 5);
    StatCacheWriter writer(k_scan);
    for (const char* path : {"a", "b/c", "d"}) {
        writer.add({status(1, 2), path, hash});
    }
    writer.write(m_options.cache_file, key, false);
    StatCache cache(m_options.cache_file, key);
    ASSERT_TRUE(cache.exists());
    EXPECT_TRUE(cache.has_same_key());
    EXPECT_FALSE(cache.settled());
    EXPECT_EQ(cache.size(), 3U);
    EXPECT_EQ(cache.find("A"), nullptr);
    ASSERT_NE(cache.find("a"), nullptr);
    EXPECT_EQ(cache.find("a!"), nullptr);
    ASSERT_NE(cache.find("d"), nullptr);
    EXPECT_EQ(cache.find("d")->status, status(1, 2));
    EXPECT_EQ(cache.find("d")->hash, hash);
    EXPECT_EQ(cache.find("e"), nullptr);
    EXPECT_FALSE(StatCache(m_options.cache_file, "another").has_same_key());
}

TEST_F(StatCacheTest, SettlesByIdOnly) {
    StatCacheWriter writer(k_scan);
    const std::uint64_t id = writer.write(m_options.cache_file, "", false);
    settle_cache(m_options.cache_file, id + 1);
    EXPECT_FALSE(StatCache(m_options.cache_file, "").settled());
    settle_cache(m_options.cache_file, id);
    EXPECT_TRUE(StatCache(m_options.cache_file, "").settled());
    settle_cache(m_base / "no cache", id);
}

TEST_F(StatCacheTest, DirectoriesAreTheirModesOnly) {
    mkdir("d");
    struct stat before {};
    struct stat after {};
    ASSERT_EQ(::lstat(at("d").c_str(), &before), 0);
    wait_for_next_tick();
    write("d/f", "");
    ASSERT_EQ(::lstat(at("d").c_str(), &after), 0);
    EXPECT_EQ(status_of(before), status_of(after));
}

}  // namespace mstage::source
