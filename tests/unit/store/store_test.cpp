#include "store/store.hpp"

#include <unistd.h>

#include "store_fixture.hpp"

namespace mstage::store {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::error_of;

TEST_F(StoreTest, IsMadePrivate) {
    struct stat info {};
    ASSERT_EQ(::stat((m_dir / "store").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0700U);
    EXPECT_EQ(read_file(m_dir / "store/format"), "mstage-store 1\n");
    EXPECT_TRUE(m_store.images().empty());
}

TEST_F(StoreTest, IsThereForTheNext) {
    const Image image = publish_image();
    EXPECT_TRUE(open_store(m_dir / "store").find_image(image.id));
}

TEST_F(StoreTest, OfAnotherFormatIsRefused) {
    write_file_atomically(m_dir / "store/format", "mstage-store 2\n");
    const Error error = error_of([&] { open_store(m_dir / "store"); });
    EXPECT_TRUE(contains(error.message(), "has a format that this mstage does not know"))
        << error.message();
    EXPECT_TRUE(contains(error.hint(), "MSTAGE_STORE"));
}

TEST_F(StoreTest, OfAnotherUserIsRefused) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can give it away";
    }
    ASSERT_EQ(::chown((m_dir / "store").c_str(), 12345, 12345), 0);
    const Error error = error_of([&] { open_store(m_dir / "store"); });
    EXPECT_TRUE(contains(error.message(), "belongs to another user (id 12345)")) << error.message();
    EXPECT_TRUE(contains(error.hint(), "MSTAGE_STORE"));
}

TEST_F(StoreTest, LeftoverThatCannotBeRemovedIsInNobodysWay) {
    fs::create_directories(m_dir / "store/tmp/dead-1-x");
    fs::create_directories(m_dir / "store/tmp/dead-2-x");
    const Store store(m_dir / "store", [](const fs::path& path) {
        if (contains(path.native(), "dead-1")) {
            throw Error("somebody holds it");
        }
        remove_tree(path);
    });
    write_file_atomically(m_dir / "store/images/x.json~mstage-abcdef", "half");
    write_file_atomically(m_dir / "store/tags/x.mstage-abcdef", "somebody's name for it");
    store.sweep();
    EXPECT_FALSE(fs::exists(m_dir / "store/images/x.json~mstage-abcdef"));
    EXPECT_TRUE(fs::exists(m_dir / "store/tags/x.mstage-abcdef"));
    EXPECT_TRUE(fs::exists(m_dir / "store/tmp/dead-1-x"));
    EXPECT_FALSE(fs::exists(m_dir / "store/tmp/dead-2-x")) << "the others go nevertheless";
}

TEST_F(StoreTest, IsMadeByManyAtOnce) {
    for (int round = 0; round < 20; ++round) {
        const fs::path root = m_dir / fmt::format("deep/{}/store", round);
        const auto make = [&] {
            const Store store = open_store(root);
            Image image{.id = ImageId::generate()};
            store.publish_image(image);
            return store.find_image(image.id) ? 0 : 1;
        };
        test::Process first(make);
        test::Process second(make);
        ASSERT_TRUE(first.wait().ok());
        ASSERT_TRUE(second.wait().ok());
        EXPECT_EQ(open_store(root).images().size(), 2U);
    }
}

TEST_F(StoreTest, ThatWasHalfMadeIsFinished) {
    fs::create_directories(m_dir / "half/layers");
    const Store store = open_store(m_dir / "half");
    Image image{.id = ImageId::generate()};
    store.publish_image(image);
    EXPECT_TRUE(store.find_image(image.id));
}

TEST_F(StoreTest, PublishesALayerByMovingIt) {
    fs::path source;
    const WorkDir work = m_store.make_work_dir();
    source = work.path() / "tree";
    fs::create_directories(source / "a");
    const LayerId layer = m_store.publish_layer(source);
    EXPECT_FALSE(fs::exists(source));
    EXPECT_TRUE(m_store.has_layer(layer));
    EXPECT_TRUE(fs::is_directory(m_store.layer_path(layer) / "a"));
    EXPECT_FALSE(m_store.has_layer(LayerId::generate()));
    error_of([&] { m_store.publish_layer(source); });
}

TEST_F(StoreTest, GivesBackWhatWasPublished) {
    const LayerId layer = publish_layer();
    Image image{.id = ImageId::generate(), .layers = {layer}};
    image.command = "make";
    image.boot = "is stamped";
    const auto before = std::chrono::system_clock::now();
    m_store.publish_image(image);
    EXPECT_EQ(image.boot, boot_id());
    EXPECT_FALSE(image.synced);
    EXPECT_LT(before - image.created, std::chrono::milliseconds(1));
    const auto found = m_store.find_image(image.id);
    ASSERT_TRUE(found);
    EXPECT_EQ(to_json(*found), to_json(image));
    EXPECT_EQ(to_json(m_store.get_image(image.id)), to_json(image));
}

TEST_F(StoreTest, SaysWhatToDoAboutAnImageThatIsNotThere) {
    const ImageId id = ImageId::generate();
    EXPECT_FALSE(m_store.find_image(id));
    const Error error = error_of([&] { m_store.get_image(id); });
    EXPECT_TRUE(contains(error.message(), id.str())) << error.message();
    EXPECT_TRUE(contains(error.hint(), "build the checkpoint again")) << error.hint();
}

TEST_F(StoreTest, TakesAnEmptyManifestForAbsentAndRemovesIt) {
    const Image image = publish_image();
    write_file_atomically(m_store.manifest_path(image.id), "");
    EXPECT_FALSE(m_store.find_image(image.id));
    EXPECT_FALSE(has_manifest(image.id));
}

TEST_F(StoreTest, TakesATornManifestForAbsentAndRemovesIt) {
    for (const bool zeros : {false, true}) {
        const Image image = publish_image();
        const std::string text = read_file(m_store.manifest_path(image.id));
        write_file_atomically(
            m_store.manifest_path(image.id),
            zeros ? std::string(text.size(), '\0') : text.substr(0, text.size() / 2));
        EXPECT_FALSE(m_store.find_image(image.id));
        EXPECT_FALSE(has_manifest(image.id));
    }
}

TEST_F(StoreTest, RefusesAManifestOfALaterVersionAndKeepsIt) {
    const Image image = publish_image();
    rewrite_manifest(image.id, [](Json& json) { json["version"] = 7; });
    const Error error = error_of([&] { m_store.find_image(image.id); });
    EXPECT_TRUE(contains(error.message(), m_store.manifest_path(image.id).native()))
        << error.message();
    EXPECT_TRUE(contains(error.message(), "version 7")) << error.message();
    EXPECT_TRUE(has_manifest(image.id));
}

TEST_F(StoreTest, TakesAnImageForAbsentWhoseLayerIsMissing) {
    const LayerId layer = publish_layer();
    const Image image = publish_image({publish_layer(), layer});
    EXPECT_TRUE(m_store.find_image(image.id));
    remove_tree(m_store.layer_path(layer));
    EXPECT_FALSE(m_store.find_image(image.id));
    EXPECT_FALSE(has_manifest(image.id));
}

TEST_F(StoreTest, TrustsAnImageOfAnotherBootOnlyWhenItIsOnDisk) {
    const Image unsynced = publish_image();
    rewrite_manifest(unsynced.id, [](Json& json) { json["boot"] = "earlier!"; });
    EXPECT_FALSE(m_store.find_image(unsynced.id));
    EXPECT_FALSE(has_manifest(unsynced.id));
    const Image synced = publish_image();
    rewrite_manifest(synced.id, [](Json& json) {
        json["boot"] = "earlier!";
        json["synced"] = true;
    });
    EXPECT_TRUE(m_store.find_image(synced.id));
}

TEST_F(StoreTest, ListsWholeImagesNewestFirst) {
    const Image first = publish_image();
    const Image torn = publish_image({LayerId::generate()});
    const Image second = publish_image();
    write_file_atomically(m_dir / "store/images/README", "no manifest");
    write_file_atomically(m_dir / "store/images" / (first.id.str() + ".json~mstage-abc123"), "{");
    const std::vector<Image> images = m_store.images();
    ASSERT_EQ(images.size(), 2U);
    EXPECT_EQ(images[0].id, second.id);
    EXPECT_EQ(images[1].id, first.id);
}

TEST_F(StoreTest, FindsImagesByTheStartOfTheirIds) {
    const Image image = publish_image();
    publish_image();
    EXPECT_EQ(m_store.images_with_prefix(image.id.str().substr(0, 13)), std::vector{image.id});
    EXPECT_EQ(m_store.images_with_prefix("").size(), 2U);
    EXPECT_TRUE(m_store.images_with_prefix("xyz").empty());
}

TEST_F(StoreTest, MakesADirectoryForARun) {
    const RunId run = RunId::generate();
    EXPECT_EQ(m_store.make_run_dir(run), m_store.run_dir(run));
    EXPECT_TRUE(fs::is_directory(m_store.run_dir(run)));
}

TEST(BootId, IsTheSameForTheWholeBoot) {
    EXPECT_FALSE(boot_id().empty());
    test::Process other([] {
        return boot_id() == read_file("/proc/sys/kernel/random/boot_id").substr(0, 8) ? 0 : 1;
    });
    EXPECT_TRUE(other.wait().ok());
}

}  // namespace
}  // namespace mstage::store
