// Which images are known to be on disk.

#include <fcntl.h>

#include <atomic>
#include <thread>

#include "store_fixture.hpp"

namespace mstage::store {
namespace {

namespace fs = std::filesystem;

class SyncTest : public StoreTest {
protected:
    bool is_synced(const ImageId& id) const { return m_store.get_image(id).synced; }
    bool is_to_do(const ImageId& id) const {
        return fs::exists(m_dir / "store/unsynced" / id.str());
    }
};

TEST_F(SyncTest, MarksWhatWasPublished) {
    const Image first = publish_image({publish_layer()});
    const Image second = publish_image();
    EXPECT_FALSE(is_synced(first.id));
    EXPECT_TRUE(is_to_do(first.id));
    EXPECT_TRUE(m_store.sync_now());
    for (const ImageId& id : {first.id, second.id}) {
        EXPECT_TRUE(is_synced(id));
        EXPECT_FALSE(is_to_do(id));
    }
}

TEST_F(SyncTest, ChangesNothingElseAboutTheManifest) {
    const Image image = publish_image();
    const fs::path path = m_store.manifest_path(image.id);
    const timespec times[2] = {{1700000000, 7}, {1700000000, 123456789}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    EXPECT_TRUE(m_store.sync_now());
    struct stat info {};
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mtim.tv_sec, 1700000000);
    EXPECT_EQ(info.st_mtim.tv_nsec, 123456789) << "Ninja compares it with markers";
    Json expected = to_json(image);
    expected["synced"] = true;
    EXPECT_EQ(to_json(m_store.get_image(image.id)), expected);
}

TEST_F(SyncTest, ForgetsWhatIsGone) {
    const Image gone = publish_image();
    const Image torn = publish_image({LayerId::generate()});
    fs::remove(m_store.manifest_path(gone.id));
    write_file_atomically(m_dir / "store/unsynced/garbage", "");
    EXPECT_TRUE(m_store.sync_now());
    EXPECT_TRUE(fs::is_empty(m_dir / "store/unsynced"));
    EXPECT_FALSE(has_manifest(gone.id));
    EXPECT_FALSE(has_manifest(torn.id));
    EXPECT_TRUE(m_store.sync_now()) << "there is nothing left to do";
}

TEST_F(SyncTest, BringsNothingBackThatIsRemovedMeanwhile) {
    std::atomic<bool> is_over = false;
    std::thread syncing([&] {
        while (!is_over) {
            m_store.sync_now();
        }
    });
    for (int count = 0; count < 500; ++count) {
        const Image image = publish_image();
        // Into the middle of the marking, now and then.
        std::this_thread::sleep_for(std::chrono::microseconds(count));
        fs::remove(m_store.manifest_path(image.id));
    }
    is_over = true;
    syncing.join();
    EXPECT_TRUE(m_store.sync_now());
    EXPECT_TRUE(fs::is_empty(m_dir / "store/images"));
}

TEST_F(SyncTest, HappensInTheBackground) {
    const Image image = publish_image();
    m_store.sync_in_background();
    EXPECT_TRUE(test::eventually([&] { return is_synced(image.id); }));
    EXPECT_TRUE(test::eventually([&] { return !is_to_do(image.id); }));
}

TEST_F(SyncTest, HoldsNothingOfTheCallersInTheBackground) {
    // Whoever reads what we write (a shell's pipe, CTest) must see its end with us, however long the disk takes.
    Pipe pipe = make_pipe();
    auto turn = std::optional(FileLock::acquire(m_dir / "store/sync", LockMode::exclusive));
    publish_image();
    test::Process caller([&] {
        pipe.reader.close();
        turn.reset();  // the copy only: the parent still holds it
        m_store.sync_in_background();
        return 0;
    });
    pipe.writer.close();
    EXPECT_TRUE(caller.wait().ok());
    EXPECT_EQ(read_all(pipe.reader.get()), "");
    turn.reset();
    EXPECT_TRUE(test::eventually([&] { return fs::is_empty(m_dir / "store/unsynced"); }));
}

TEST_F(SyncTest, IsDoneByManyAtOnce) {
    std::vector<ImageId> ids;
    for (int count = 0; count < 20; ++count) {
        ids.push_back(publish_image().id);
        m_store.sync_in_background();
    }
    EXPECT_TRUE(test::eventually([&] { return fs::is_empty(m_dir / "store/unsynced"); }));
    for (const ImageId& id : ids) {
        EXPECT_TRUE(is_synced(id));
    }
}

}  // namespace
}  // namespace mstage::store
