#include "base/lock.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "support.hpp"

namespace mstage {
namespace {

namespace fs = std::filesystem;
using test::eventually;
using test::Process;
using test::TempDir;

/// Whether another process can have the lock at once.
bool is_free(const fs::path& path, LockMode mode = LockMode::exclusive) {
    Process other([&] { return FileLock::try_acquire(path, mode) ? 0 : 1; });
    return other.wait().ok();
}

TEST(FileLock, KeepsOthersOut) {
    const TempDir dir;
    {
        const FileLock lock = FileLock::acquire(dir / "lock", LockMode::exclusive);
        EXPECT_FALSE(is_free(dir / "lock"));
        EXPECT_FALSE(is_free(dir / "lock", LockMode::shared));
        EXPECT_FALSE(FileLock::try_acquire(dir / "lock", LockMode::exclusive))
            << "the same process is no exception";
    }
    EXPECT_TRUE(is_free(dir / "lock"));
}

TEST(FileLock, IsSharedByThoseWhoWantItShared) {
    const TempDir dir;
    const FileLock lock = FileLock::acquire(dir / "lock", LockMode::shared);
    EXPECT_TRUE(is_free(dir / "lock", LockMode::shared));
    EXPECT_FALSE(is_free(dir / "lock", LockMode::exclusive));
}

TEST(FileLock, IsFreedWithItsOwner) {
    const TempDir dir;
    Process owner([&] {
        const FileLock lock = FileLock::acquire(dir / "lock", LockMode::exclusive);
        write_file_atomically(dir / "locked", "");
        ::pause();
        return 0;
    });
    ASSERT_TRUE(eventually([&] { return fs::exists(dir / "locked"); }));
    EXPECT_FALSE(is_free(dir / "lock"));
    owner.kill(SIGKILL);
    owner.wait();
    EXPECT_TRUE(is_free(dir / "lock"));
}

TEST(FileLock, IsWaitedFor) {
    const TempDir dir;
    auto lock = std::optional(FileLock::acquire(dir / "lock", LockMode::exclusive));
    Process waiter([&] {
        lock.reset();  // the child's copy of the descriptor holds the lock too
        const FileLock mine = FileLock::acquire(dir / "lock", LockMode::exclusive);
        write_file_atomically(dir / "mine", "");
        return 0;
    });
    ::usleep(50'000);
    EXPECT_FALSE(fs::exists(dir / "mine"));
    lock.reset();
    EXPECT_TRUE(waiter.wait().ok());
    EXPECT_TRUE(fs::exists(dir / "mine"));
}

TEST(FileLock, IsNotLeftToProgramsThatAreStarted) {
    const TempDir dir;
    const FileLock lock = FileLock::acquire(dir / "lock", LockMode::exclusive);
    EXPECT_EQ(::fcntl(lock.fd(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST(FileLock, IsAnErrorWithoutADirectory) {
    const TempDir dir;
    EXPECT_EQ(test::error_of<SysError>([&] {
                  FileLock::try_acquire(dir / "none/lock", LockMode::shared);
              }).number(),
              ENOENT);
}

TEST(FileLock, ThatIsRemovedMakesWaitersTakeTheNewFile) {
    const TempDir dir;
    auto lock = std::optional(FileLock::acquire(dir / "lock", LockMode::exclusive));
    Process waiter([&] {
        lock.reset();
        const FileLock mine = FileLock::acquire(dir / "lock", LockMode::exclusive);
        write_file_atomically(dir / "mine", "");
        ::pause();
        return 0;
    });
    ::usleep(50'000);
    lock->remove_and_release();
    ASSERT_TRUE(eventually([&] { return fs::exists(dir / "mine"); }));
    EXPECT_TRUE(fs::exists(dir / "lock")) << "the waiter holds a file that others find";
    EXPECT_FALSE(is_free(dir / "lock"));
}

TEST(FileLock, ThatIsRemovedNeverHasTwoOwners) {
    const TempDir dir;
    constexpr int k_rounds = 200;
    const auto count_up = [&] {
        for (int round = 0; round < k_rounds; ++round) {
            FileLock lock = FileLock::acquire(dir / "lock", LockMode::exclusive);
            // Loses counts as soon as two are in here.
            const int count = std::stoi(read_file_if_exists(dir / "count").value_or("0"));
            write_file_atomically(dir / "count", std::to_string(count + 1));
            lock.remove_and_release();
        }
        return 0;
    };
    Process first(count_up);
    Process second(count_up);
    Process third(count_up);
    EXPECT_TRUE(first.wait().ok());
    EXPECT_TRUE(second.wait().ok());
    EXPECT_TRUE(third.wait().ok());
    EXPECT_EQ(read_file(dir / "count"), std::to_string(3 * k_rounds));
    EXPECT_FALSE(fs::exists(dir / "lock"));
}

}  // namespace
}  // namespace mstage
