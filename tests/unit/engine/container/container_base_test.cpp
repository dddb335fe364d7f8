// Container images as bases: layers that are shared, and what their configuration says.

#include "engine/local/container/container_base.hpp"

#include "archive/oci/oci_types.hpp"
#include "base/hash.hpp"
#include "engine/local/container/image_source.hpp"
#include "engine_fixture.hpp"

namespace mstage::engine {
namespace {

namespace fs = std::filesystem;
namespace mt = archive::media_type;
using archive::Digest;
using test::contains;
using test::error_of;

class ContainerBaseTest : public EngineTest {
protected:
    /// A tar with one file.
    std::string tar_of(const std::string& name, const std::string& content) {
        const fs::path tree = m_dir / "tree";
        fs::remove_all(tree);
        fs::create_directories((tree / name).parent_path());
        write_file_atomically(tree / name, content);
        return capture_output(
            {.argv = {"tar", "-C", tree.native(), "-c", name}, .package_hint = ""});
    }

    /// An OCI layout with these layers; `mark` makes images differ.
    std::string layout_of(const std::vector<std::string>& layers, const std::string& mark) {
        const fs::path layout = m_dir / ("layout-" + mark);
        fs::create_directories(layout / "blobs/sha256");
        const auto add = [&](std::string_view type, const std::string& content) -> Json {
            write_file_atomically(layout / "blobs/sha256" / Digest::of(content).hex(), content);
            return {{"mediaType", type},
                    {"digest", Digest::of(content).str()},
                    {"size", content.size()}};
        };
        Json diff_ids = Json::array();
        Json blobs = Json::array();
        for (const std::string& layer : layers) {
            diff_ids.push_back(Digest::of(layer).str());
            blobs.push_back(add(mt::k_oci_layer, layer));
        }
        const Json config = {{"author", mark}, {"rootfs", {{"diff_ids", diff_ids}}}};
        const Json manifest = {{"mediaType", mt::k_oci_manifest},
                               {"config", add(mt::k_oci_config, dump_json(config))},
                               {"layers", blobs}};
        const Json entry = add(mt::k_oci_manifest, dump_json(manifest));
        write_file_atomically(layout / "index.json",
                              dump_json({{"manifests", Json::array({entry})}}));
        write_file_atomically(layout / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
        return "oci:" + layout.native();
    }

    Image import(const std::string& reference) {
        return m_engine.image(m_engine.base(reference, Refresh::no).image);
    }
};

TEST_F(ContainerBaseTest, SharesLayersByWhatTheyAreAndByWhatTheyLieOn) {
    const std::string one = tar_of("a", "a");
    const std::string two = tar_of("b", "b");
    const std::string other = tar_of("c", "c");
    const std::string dependent = tar_of("dir/d", "d");
    const Image first = import(layout_of({one, two, dependent}, "first"));
    const Image second = import(layout_of({one, two, dependent, other}, "second"));
    EXPECT_NE(first.id, second.id);
    ASSERT_EQ(second.layers.size(), 4U);
    for (size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(first.layers[i], second.layers[i]) << i;
    }
    const Image third = import(layout_of({other, two, dependent}, "third"));
    EXPECT_EQ(third.layers[0], second.layers[3]);
    EXPECT_EQ(third.layers[1], first.layers[1]);
    EXPECT_NE(third.layers[2], first.layers[2]) << "its directory could differ below";
    EXPECT_EQ(content_of(third.id, "/dir/d"), "d");
    EXPECT_EQ(entries_in("layers"), 5U);
}

TEST_F(ContainerBaseTest, DoesNotTakeALayerTwice) {
    const std::string one = tar_of("a", "a");
    const std::string two = tar_of("b", "b");
    const Image image = import(layout_of({one, two, one}, "twice"));
    ASSERT_EQ(image.layers.size(), 3U);
    EXPECT_NE(image.layers[0], image.layers[2]) << "overlayfs would refuse";
    EXPECT_EQ(content_of(image.id, "/a"), "a");
}

TEST_F(ContainerBaseTest, RootThatDiffersBelowMakesAnotherLayer) {
    const std::string plain = tar_of("a", "a");
    const std::string top = tar_of("b", "b");
    fs::create_directories(m_dir / "closed");
    fs::permissions(m_dir / "closed", fs::perms(0711));
    const std::string closed = capture_output(
        {.argv = {"tar", "-C", (m_dir / "closed").native(), "-c", "."}, .package_hint = ""});
    const Image first = import(layout_of({plain, top}, "plain"));
    const Image second = import(layout_of({closed, top}, "closed"));
    EXPECT_NE(first.layers[1], second.layers[1]);
    EXPECT_EQ(m_engine.list(second, "/", false).size(), 1U);
    const fs::path root = m_dir / "store/layers" / second.layers[1].str();
    EXPECT_EQ(fs::status(root).permissions(), fs::perms(0711));
}

TEST_F(ContainerBaseTest, TheSameImageIsTheSameImageHere) {
    const std::string reference = layout_of({tar_of("a", "a")}, "one");
    const Image image = import(reference);
    const Base again = m_engine.base(reference, Refresh::yes);
    EXPECT_EQ(again.image, image.id);
    EXPECT_FALSE(again.imported);
    fs::rename(m_dir / "layout-one", m_dir / "elsewhere");
    const Base elsewhere = m_engine.base("oci:" + (m_dir / "elsewhere").native(), Refresh::no);
    EXPECT_EQ(elsewhere.image, image.id);
    EXPECT_EQ(import(reference).id, image.id) << "used until a refresh, whatever becomes of it";
    error_of<Error>([&] { m_engine.base(reference, Refresh::yes); });
}

TEST_F(ContainerBaseTest, LayersThatTheStoreLostAreMadeAgain) {
    const std::string layer = tar_of("a", "a");
    const Image first = import(layout_of({layer}, "one"));
    fs::rename(m_dir / "store/layers" / first.layers[0].str(), m_dir / "lost");
    const Image second = import(layout_of({layer}, "one"));
    EXPECT_NE(second.id, first.id);
    EXPECT_EQ(content_of(second.id, "/a"), "a");
}

TEST_F(ContainerBaseTest, ADamagedLayerLeavesNothingBehind) {
    const std::string layer = tar_of("a", "a");
    const std::string reference = layout_of({tar_of("b", "b"), layer}, "one");
    std::string damaged = layer;
    damaged[damaged.size() - 1] = 'x';
    write_file_atomically(m_dir / "layout-one/blobs/sha256" / Digest::of(layer).hex(), damaged);
    const std::string message =
        error_of<Error>([&] { m_engine.base(reference, Refresh::no); }).message();
    EXPECT_TRUE(contains(message, "layer 2 of 2")) << message;
    EXPECT_TRUE(contains(message, Digest::of(layer).str())) << message;
    EXPECT_TRUE(contains(message, Digest::of(damaged).str())) << message;
    EXPECT_EQ(entries_in("layers"), 0U);
    EXPECT_EQ(entries_in("tmp"), 0U);
    EXPECT_FALSE(fs::exists(m_dir / "store/unpacked") && entries_in("unpacked") != 0);
}

TEST(ContainerConfig, IsEnvironmentWorkdirUserAndTheRest) {
    const store::ImageConfig config =
        image_config_of({{"architecture", "amd64"},
                         {"history", Json::array({{{"created_by", "x"}}})},
                         {"rootfs", {{"diff_ids", Json::array()}}},
                         {"config",
                          {{"Env", {"A=1=2", "B=", "odd", "=c"}},
                           {"WorkingDir", "srv/x"},
                           {"User", "1:2"},
                           {"Cmd", {"sh"}},
                           {"Labels", nullptr}}}});
    EXPECT_EQ(config.environment, (std::map<std::string, std::string>{{"A", "1=2"}, {"B", ""}}));
    EXPECT_EQ(config.workdir, "/srv/x");
    EXPECT_EQ(config.user, "1:2");
    EXPECT_EQ(config.oci, (Json{{"architecture", "amd64"},
                                {"history", Json::array({{{"created_by", "x"}}})},
                                {"config", {{"Cmd", {"sh"}}, {"Labels", nullptr}}}}));
    EXPECT_EQ(image_config_of({{"rootfs", Json::object()}}).workdir, "/");
}

TEST(ContainerConfig, OfAHostileImageIsRefused) {
    const std::string nul("a\0--bind", 8);
    for (const Json& config :
         {Json{{"Env", {"A=" + nul}}}, Json{{"WorkingDir", nul}}, Json{{"User", nul}}}) {
        const auto error = error_of([&] { image_config_of({{"config", config}}); });
        EXPECT_TRUE(contains(error.message(), "has a NUL in")) << error.message();
    }
    EXPECT_EQ(error_of([&] {
                  image_config_of({{"config", "text"}});
              }).message(),
              "field 'config' has the wrong type");
    EXPECT_EQ(image_config_of({{"config", {{"WorkingDir", "../../x"}}}}).workdir, "/x");
}

}  // namespace
}  // namespace mstage::engine
