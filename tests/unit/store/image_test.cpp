#include "store/image.hpp"

#include "support.hpp"

namespace mstage::store {
namespace {

using test::error_of;

Image full_image() {
    Image image{.id = ImageId::generate(),
                .ground = Ground::host,
                .layers = {LayerId::generate(), LayerId::generate()},
                .config = {.environment = {{"PATH", "/bin"}, {"EMPTY", ""}},
                           .workdir = "/app",
                           .user = "www-data",
                           .oci = {{"labels", {{"a", "b"}}}}},
                .state = ImageState::failed};
    image.parent = ImageId::generate();
    image.origin = "stage app/build";
    image.command = "make 'a b'\n";
    image.run = RunId::generate();
    image.key = std::string(64, 'a');
    image.key_parts = {{"command", "make"}};
    image.created = parse_time("2026-01-31T12:00:00.123456Z");
    image.boot = "0123abcd";
    image.synced = true;
    return image;
}

TEST(Image, ComesBackFromItsManifest) {
    const Image image = full_image();
    const Image back = image_from_json(parse_json(dump_json_indented(to_json(image)), "manifest"));
    EXPECT_EQ(to_json(back), to_json(image));
    EXPECT_EQ(back.layers, image.layers) << "in the same order";
    EXPECT_EQ(back.ground, Ground::host);
    EXPECT_EQ(back.state, ImageState::failed);
    EXPECT_EQ(back.parent, image.parent);
    EXPECT_EQ(back.created, image.created);
    EXPECT_TRUE(back.synced);
}

TEST(Image, WithoutAnythingHasEveryFieldToo) {
    const Image image{.id = ImageId::generate()};
    const Json json = to_json(image);
    for (const char* name : {"parent", "run", "key", "key_parts"}) {
        ASSERT_TRUE(json.contains(name)) << name;
        EXPECT_TRUE(json.at(name).is_null()) << name;
    }
    const Image back = image_from_json(json);
    EXPECT_EQ(to_json(back), json);
    EXPECT_FALSE(back.parent);
    EXPECT_FALSE(back.run);
    EXPECT_FALSE(back.key);
    EXPECT_EQ(back.config.workdir, "/");
    EXPECT_EQ(back.state, ImageState::good);
    EXPECT_EQ(to_json(image).size(), to_json(full_image()).size());
}

TEST(Image, OfBeforeConfigsHadUsersIsRead) {
    Json json = to_json(full_image());
    json["config"].erase("user");
    json["config"].erase("oci");
    EXPECT_EQ(image_from_json(json).config.user, "");
    EXPECT_TRUE(image_from_json(json).config.oci.is_null());
}

TEST(Image, OfAnotherVersionIsRefused) {
    Json json = to_json(full_image());
    json["version"] = 2;
    EXPECT_EQ(error_of([&] { image_from_json(json); }).message(),
              "version 2 of the manifest's format is not known to this mstage");
}

TEST(Image, MayHaveFieldsThatWeDoNotKnow) {
    Json json = to_json(full_image());
    json["later"] = true;
    EXPECT_EQ(image_from_json(json).origin, "stage app/build");
}

TEST(Image, NamesTheFieldThatIsWrong) {
    const Json json = to_json(full_image());
    for (const auto& [name, value] : json.items()) {
        if (name == "parent" || name == "run" || name == "key") {
            continue;  // null and missing mean the same
        }
        Json broken = json;
        broken.erase(name);
        EXPECT_EQ(error_of([&] { image_from_json(broken); }).message(),
                  fmt::format("field '{}' is missing", name));
    }
}

TEST(Image, NamesTheIdThatIsNone) {
    Json json = to_json(full_image());
    json["layers"][1] = "../../etc";
    EXPECT_EQ(error_of([&] { image_from_json(json); }).message(), "'../../etc' is not a UUID");
}

TEST(Id, ParsesOnlyUuids) {
    const ImageId id = ImageId::generate();
    EXPECT_EQ(ImageId::parse(id.str()), id);
    EXPECT_EQ(id.short_form(), id.str().substr(0, 8));
    EXPECT_FALSE(ImageId::parse(id.short_form()));
    static_assert(!std::is_convertible_v<ImageId, LayerId>);
}

}  // namespace
}  // namespace mstage::store
