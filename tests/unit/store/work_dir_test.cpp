#include "store/work_dir.hpp"

#include <unistd.h>

#include "store_fixture.hpp"

namespace mstage::store {
namespace {

namespace fs = std::filesystem;

class WorkDirTest : public StoreTest {
protected:
    size_t count() const {
        return static_cast<size_t>(std::distance(fs::directory_iterator(m_dir / "store/tmp"), {}));
    }
    /// What a process that was killed at work leaves.
    void leave_dead_directory() const {
        test::Process owner([&] {
            const WorkDir work = m_store.make_work_dir();
            fs::create_directories(work.path() / "work/work");
            fs::permissions(work.path() / "work/work", fs::perms::none);
            ::kill(::getpid(), SIGKILL);
            return 0;
        });
        EXPECT_EQ(owner.wait().signal, SIGKILL);
    }
};

TEST_F(WorkDirTest, GoesWithItsOwner) {
    {
        const WorkDir work = m_store.make_work_dir();
        EXPECT_TRUE(fs::is_directory(work.path()));
        EXPECT_TRUE(work.path().filename().native().starts_with(
            fmt::format("{}-{}-", boot_id(), ::getpid())));
        write_file_atomically(work.path() / "f", "");
    }
    EXPECT_EQ(count(), 0U);
}

TEST_F(WorkDirTest, GoesOnceWhenItWasMoved) {
    WorkDir first = m_store.make_work_dir();
    const fs::path path = first.path();
    {
        const WorkDir second = std::move(first);
        EXPECT_EQ(second.path(), path);
    }
    EXPECT_FALSE(fs::exists(path));
}

TEST_F(WorkDirTest, StaysWhenItIsDisowned) {
    WorkDir work = m_store.make_work_dir();
    test::Process child([&] {
        WorkDir copy = std::move(work);
        copy.disown();
        return 0;
    });
    EXPECT_TRUE(child.wait().ok());
    EXPECT_TRUE(fs::exists(work.path()));
}

TEST_F(WorkDirTest, IsSweptWhenItsOwnerDied) {
    leave_dead_directory();
    leave_dead_directory();
    const WorkDir mine = m_store.make_work_dir();
    EXPECT_EQ(count(), 3U);
    m_store.sweep();
    EXPECT_EQ(count(), 1U);
    EXPECT_TRUE(fs::exists(mine.path()));
}

TEST_F(WorkDirTest, IsSweptWhenItsOwnerDiedBeforeItCouldLockIt) {
    fs::create_directory(m_dir / "store/tmp/abcd-1-x");
    m_store.sweep();
    EXPECT_EQ(count(), 0U);
}

TEST_F(WorkDirTest, OfALiveProcessIsLeftAlone) {
    test::Process owner([&] {
        const WorkDir work = m_store.make_work_dir();
        write_file_atomically(m_dir / "ready", work.path().native());
        ::pause();
        return 0;
    });
    ASSERT_TRUE(test::eventually([&] { return fs::exists(m_dir / "ready"); }));
    m_store.sweep();
    EXPECT_TRUE(fs::exists(read_file(m_dir / "ready")));
    owner.kill(SIGKILL);
    owner.wait();
    m_store.sweep();
    EXPECT_EQ(count(), 0U);
}

TEST_F(WorkDirTest, SurvivesSweepsFromTheFirstMomentOn) {
    test::Process sweeper([&] {
        for (int round = 0; round < 2000; ++round) {
            m_store.sweep();
        }
        return 0;
    });
    for (int round = 0; round < 200; ++round) {
        const WorkDir work = m_store.make_work_dir();
        write_file_atomically(work.path() / "f", "");
        EXPECT_TRUE(fs::exists(work.path() / "lock"));
    }
    EXPECT_TRUE(sweeper.wait().ok());
}

TEST_F(WorkDirTest, SweepDoesNotWaitForThoseWhoBegin) {
    leave_dead_directory();
    const FileLock beginning = FileLock::acquire(m_dir / "store/gate", LockMode::shared);
    m_store.sweep();
    EXPECT_EQ(count(), 1U);
}

TEST_F(WorkDirTest, HoldsThePinsOfWhatItUses) {
    const Image image = publish_image();
    WorkDir work = m_store.make_work_dir();
    work.pin(image.id);
    work.pin(image.id);
    EXPECT_TRUE(fs::exists(work.path() / "pins" / image.id.str()));
}

TEST_F(WorkDirTest, PinsWaitForASweepThatIsAtIt) {
    WorkDir work = m_store.make_work_dir();
    auto sweeping = std::optional(FileLock::acquire(m_dir / "store/gate", LockMode::exclusive));
    const ImageId id = ImageId::generate();
    test::Process pinner([&] {
        sweeping.reset();
        WorkDir copy = std::move(work);
        copy.pin(id);
        copy.disown();
        return 0;
    });
    ::usleep(50'000);
    EXPECT_FALSE(fs::exists(work.path() / "pins" / id.str()));
    sweeping.reset();
    EXPECT_TRUE(pinner.wait().ok());
    EXPECT_TRUE(fs::exists(work.path() / "pins" / id.str()));
}

}  // namespace
}  // namespace mstage::store
