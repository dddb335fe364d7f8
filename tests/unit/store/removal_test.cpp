// How an image leaves the store.

#include "store_fixture.hpp"

namespace mstage::store {
namespace {

namespace fs = std::filesystem;

class RemovalTest : public StoreTest {
protected:
    bool has_layer() const { return m_store.has_layer(m_layer); }
    size_t entries_in_trash() const {
        size_t count = 0;
        for (const auto& entry : fs::directory_iterator(m_dir / "store/trash")) {
            count += entry.path().filename() == "lock" ? 0 : 1;
        }
        return count;
    }

    LayerId m_lower = publish_layer();
    LayerId m_layer = publish_layer();
    Image m_image = publish_image({m_lower, m_layer});
};

TEST_F(RemovalTest, TakesManifestAndOwnLayer) {
    write_file_atomically(m_store.layer_path(m_layer).native() + ".size", "4096");
    EXPECT_EQ(m_store.remove_image(m_image.id, m_layer), Removal::removed);
    EXPECT_FALSE(has_manifest(m_image.id));
    EXPECT_FALSE(has_layer());
    EXPECT_FALSE(fs::exists(m_store.layer_path(m_layer).native() + ".size"));
    EXPECT_TRUE(m_store.has_layer(m_lower));
    EXPECT_EQ(entries_in_trash(), 0U);
    EXPECT_EQ(m_store.remove_image(m_image.id, m_layer), Removal::removed) << "it is not there";
}

TEST_F(RemovalTest, LeavesALayerThatAnotherImageHas) {
    const Image other = publish_image({m_layer});
    EXPECT_EQ(m_store.remove_image(m_image.id, m_layer), Removal::removed);
    EXPECT_FALSE(has_manifest(m_image.id));
    EXPECT_TRUE(has_layer());
    EXPECT_TRUE(m_store.find_image(other.id));
}

TEST_F(RemovalTest, LeavesLayersThatAreNotTheImagesOwn) {
    EXPECT_EQ(m_store.remove_image(m_image.id, std::nullopt), Removal::removed);
    EXPECT_TRUE(has_layer());
}

TEST_F(RemovalTest, TakesNothingAwayWhenThereIsNoPlaceToPutIt) {
    fs::create_symlink("trash", m_dir / "store/trash");
    EXPECT_ANY_THROW(m_store.remove_image(m_image.id, m_layer));
    EXPECT_TRUE(m_store.find_image(m_image.id));
    EXPECT_TRUE(has_layer());
}

TEST_F(RemovalTest, LeavesAnImageWithATag) {
    m_store.tags().set("good", m_image.id);
    EXPECT_EQ(m_store.remove_image(m_image.id, m_layer), Removal::tagged);
    EXPECT_TRUE(m_store.find_image(m_image.id));
    m_store.tags().remove("good");
    EXPECT_EQ(m_store.remove_image(m_image.id, m_layer), Removal::removed);
}

TEST_F(RemovalTest, LeavesAnImageThatIsPinnedByTheLiving) {
    {
        WorkDir work = m_store.make_work_dir();
        work.pin(m_image.id);
        EXPECT_EQ(m_store.remove_image(m_image.id, m_layer), Removal::in_use);
        EXPECT_TRUE(m_store.find_image(m_image.id));
    }
    // Left by somebody who died.
    make_directories(m_dir / "store/tmp/dead-1-x/pins");
    write_file_atomically(m_dir / "store/tmp/dead-1-x/pins" / m_image.id.str(), "");
    EXPECT_EQ(m_store.remove_image(m_image.id, m_layer), Removal::removed);
}

TEST_F(RemovalTest, LeavesALayerThatIsPinned) {
    WorkDir work = m_store.make_work_dir();
    work.pin(m_layer);
    EXPECT_EQ(m_store.remove_image(m_image.id, m_layer), Removal::removed);
    EXPECT_TRUE(has_layer());
}

TEST_F(RemovalTest, ThatWasCutShortIsFinishedByTheNext) {
    const Store lazy(m_dir / "store", [](const fs::path&) { throw Error("killed here"); });
    EXPECT_EQ(lazy.remove_image(m_image.id, m_layer), Removal::removed);
    EXPECT_FALSE(has_layer()) << "out of sight at once";
    EXPECT_EQ(entries_in_trash(), 1U);
    m_store.sweep();
    EXPECT_EQ(entries_in_trash(), 0U);
}

}  // namespace
}  // namespace mstage::store
