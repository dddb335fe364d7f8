// Who makes the stage of a key.

#include <unistd.h>

#include "store_fixture.hpp"

namespace mstage::store {
namespace {

namespace fs = std::filesystem;

const std::string k_key(64, 'a');

TEST_F(StoreTest, KeyLockIsHadAtOnceWhenNobodyHasIt) {
    int waits = 0;
    FileLock lock = m_store.lock_key(k_key, [&] { ++waits; });
    FileLock other = m_store.lock_key(std::string(64, 'b'), [&] { ++waits; });
    EXPECT_EQ(waits, 0);
}

TEST_F(StoreTest, KeyLockIsWaitedForAndTheCallerHearsOfIt) {
    auto lock = std::optional(m_store.lock_key(k_key, [] {}));
    test::Process other([&] {
        lock.reset();
        const FileLock mine =
            m_store.lock_key(k_key, [&] { write_file_atomically(m_dir / "waits", ""); });
        write_file_atomically(m_dir / "mine", "");
        return 0;
    });
    ASSERT_TRUE(test::eventually([&] { return fs::exists(m_dir / "waits"); }));
    EXPECT_FALSE(fs::exists(m_dir / "mine"));
    lock->remove_and_release();
    EXPECT_TRUE(other.wait().ok());
    EXPECT_TRUE(fs::exists(m_dir / "mine"));
}

TEST_F(StoreTest, KeyLockIsFreeWhenItsOwnerWasKilled) {
    test::Process owner([&] {
        const FileLock lock = m_store.lock_key(k_key, [] {});
        write_file_atomically(m_dir / "locked", "");
        ::pause();
        return 0;
    });
    ASSERT_TRUE(test::eventually([&] { return fs::exists(m_dir / "locked"); }));
    owner.kill(SIGKILL);
    owner.wait();
    bool waited = false;
    const FileLock lock = m_store.lock_key(k_key, [&] { waited = true; });
    EXPECT_FALSE(waited);
}

}  // namespace
}  // namespace mstage::store
