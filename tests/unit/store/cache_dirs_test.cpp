#include "store/cache_dirs.hpp"

#include <thread>

#include "support.hpp"

namespace mstage::store {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::eventually;

class CacheDirsTest : public ::testing::Test {
protected:
    std::vector<CacheLease> take(const std::vector<std::string>& texts,
                                 const std::string& owners = "identity") const {
        return m_caches.take(parse_caches(texts), owners, [](const Cache& cache) {
            throw Error("would wait for {}", cache.id);
        });
    }
    bool waits(const std::string& text) const {
        try {
            take({text});
        } catch (const Error&) {
            return true;
        }
        return false;
    }
    bool remove(const std::string& id) const {
        return m_caches.remove(id, [](const fs::path& path) { remove_tree(path); });
    }

    test::TempDir m_dir;
    CacheDirs m_caches{m_dir / "caches"};
};

TEST_F(CacheDirsTest, AreTheSameForAllWhoNameThem) {
    const auto first = take({"/x,id=a", "/y,id=b"});
    const auto second = take({"/z,id=a"});
    EXPECT_EQ(first[0].directory, second[0].directory);
    EXPECT_NE(first[0].directory, first[1].directory);
    EXPECT_NE(take({"/x,id=a"}, "single")[0].directory, first[0].directory)
        << "files of other owners";
}

TEST_F(CacheDirsTest, AreInTheOrderOfTheCaches) {
    const auto leases = take({"/1,id=z", "/2,id=a"});
    EXPECT_EQ(leases[0].directory, m_dir / "caches/z@identity.0");
    EXPECT_EQ(leases[1].directory, m_dir / "caches/a@identity.0");
}

TEST_F(CacheDirsTest, LockedOnesAreForOneAtATime) {
    auto shared = take({"/x,id=a"});
    EXPECT_TRUE(waits("/x,id=a,sharing=locked"));
    EXPECT_FALSE(waits("/x,id=a"));
    shared.clear();
    auto locked = take({"/x,id=a,sharing=locked"});
    EXPECT_TRUE(waits("/x,id=a"));
    EXPECT_TRUE(waits("/x,id=a,sharing=locked"));
    locked.clear();
    EXPECT_FALSE(waits("/x,id=a,sharing=locked"));
}

TEST_F(CacheDirsTest, WhoWaitsGetsItInTheEnd) {
    // Begun first: a child would have our lock too.
    test::Process other([&] {
        bool waited = false;
        eventually([&] { return fs::exists(m_dir / "taken"); });
        m_caches.take(parse_caches({"/x,id=a,sharing=locked"}), "identity", [&](const Cache&) {
            waited = true;
            write_file_atomically(m_dir / "waits", "");
        });
        return waited ? 0 : 1;
    });
    auto locked = take({"/x,id=a,sharing=locked"});
    write_file_atomically(m_dir / "taken", "");
    EXPECT_TRUE(eventually([&] { return fs::exists(m_dir / "waits"); }));
    locked.clear();
    EXPECT_TRUE(other.wait().ok());
}

TEST_F(CacheDirsTest, SeveralLockedOnesAreTakenInOneOrder) {
    // Each wants both, and names them the other way round.
    std::vector<std::unique_ptr<test::Process>> others;
    for (const char* first : {"a", "b"}) {
        const std::string second = first == std::string("a") ? "b" : "a";
        const std::vector<std::string> texts = {fmt::format("/1,sharing=locked,id={}", first),
                                                fmt::format("/2,sharing=locked,id={}", second)};
        others.push_back(std::make_unique<test::Process>([this, texts] {
            for (int turn = 0; turn < 500; ++turn) {
                m_caches.take(parse_caches(texts), "identity", [](const Cache&) {});
            }
            return 0;
        }));
    }
    for (const auto& other : others) {
        EXPECT_TRUE(other->wait().ok());
    }
}

TEST_F(CacheDirsTest, PrivateOnesAreTheFirstThatIsFree) {
    auto first = take({"/x,id=a,sharing=private"});
    const auto second = take({"/x,id=a,sharing=private"});
    EXPECT_EQ(first[0].directory, m_dir / "caches/a@identity.0");
    EXPECT_EQ(second[0].directory, m_dir / "caches/a@identity.1");
    first.clear();
    EXPECT_EQ(take({"/x,id=a,sharing=private"})[0].directory, m_dir / "caches/a@identity.0");
}

TEST_F(CacheDirsTest, AreListedWithTheirCopies) {
    EXPECT_TRUE(m_caches.all().empty());
    const auto before = std::chrono::system_clock::now() - std::chrono::seconds(2);
    for (const CacheLease& lease : take({"/x,id=b", "/y,id=a"})) {
        make_directories(lease.directory);
    }
    make_directories(take({"/x,id=b"}, "single")[0].directory);
    const auto all = m_caches.all();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].id, "a");
    EXPECT_EQ(all[0].directories.size(), 1U);
    EXPECT_EQ(all[1].id, "b");
    EXPECT_EQ(all[1].directories.size(), 2U);
    EXPECT_GT(all[1].last_used, before);
}

TEST_F(CacheDirsTest, AreRemovedWhenNobodyUsesThem) {
    EXPECT_FALSE(remove("a"));
    auto lease = take({"/x,id=a"});
    make_directories(lease[0].directory / "sub");
    make_directories(take({"/x,id=ab"})[0].directory);
    EXPECT_EQ(error_of([&] { remove("a"); }).message(), "cache 'a' is in use");
    EXPECT_TRUE(fs::exists(lease[0].directory / "sub"));
    lease.clear();
    // What a removal left that was cut short goes too.
    make_directories(m_dir / "caches/a@identity.0.gone/old");
    EXPECT_TRUE(remove("a"));
    EXPECT_EQ(m_caches.all().size(), 1U);
    EXPECT_EQ(std::distance(fs::directory_iterator(m_dir / "caches"), {}), 2) << "ab and its lock";
}

}  // namespace
}  // namespace mstage::store
