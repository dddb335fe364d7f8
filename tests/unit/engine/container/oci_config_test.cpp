#include "engine/local/container/oci_config.hpp"

#include "support.hpp"

namespace mstage::engine {
namespace {

using store::Image;
using store::ImageId;
using store::LayerId;

constexpr const char* k_base_time = "2024-01-02T03:04:05.000000Z";
constexpr const char* k_stage_time = "2024-02-03T04:05:06.700000Z";

Image base_image(size_t layers) {
    Image image{.id = ImageId::generate()};
    for (size_t i = 0; i < layers; ++i) {
        image.layers.push_back(LayerId::generate());
    }
    image.origin = "import debian:bookworm";
    image.created = parse_time(k_base_time);
    return image;
}

/// What a stage made: with a layer of source files and one of its own.
Image stage_image(const Image& parent) {
    Image image = parent;
    image.id = ImageId::generate();
    image.parent = parent.id;
    image.origin = "stage app/build";
    image.command = "make all";
    image.layers.push_back(LayerId::generate());
    image.layers.push_back(LayerId::generate());
    image.created = parse_time(k_stage_time);
    return image;
}

Json config_of(std::vector<Image> lineage, std::optional<std::time_t> epoch = {}) {
    std::vector<LayerId> layers = lineage.back().layers;
    return oci_config({.lineage = std::move(lineage),
                       .layers = std::move(layers),
                       .diff_ids = {"sha256:1"},
                       .epoch = epoch});
}

Json line(const char* created, const char* created_by) {
    return {{"created", created}, {"created_by", created_by}, {"comment", "mstage"}};
}

TEST(OciConfig, HasOneLineOfHistoryPerLayer) {
    const Image base = base_image(1);
    EXPECT_EQ(config_of({base, stage_image(base)}).at("history"),
              (Json{line(k_base_time, "import debian:bookworm"), line(k_stage_time, "source files"),
                    line(k_stage_time, "make all")}));
}

TEST(OciConfig, SaysWhatRuntimesWantToKnow) {
    Image image = base_image(1);
    image.config.environment = {{"PATH", "/bin"}, {"A", "b=c"}};
    image.config.workdir = "/app";
    image.config.user = "nobody:nogroup";
    const Json config = config_of({image});
    EXPECT_EQ(config.at("config"), (Json{{"Env", {"A=b=c", "PATH=/bin"}},
                                         {"WorkingDir", "/app"},
                                         {"User", "nobody:nogroup"}}));
    EXPECT_EQ(config.at("os"), "linux");
    EXPECT_FALSE(config.at("architecture").get<std::string>().empty());
    EXPECT_EQ(config.at("created"), k_base_time);
    EXPECT_EQ(config.at("rootfs"), (Json{{"type", "layers"}, {"diff_ids", {"sha256:1"}}}));
}

TEST(OciConfig, KeepsWhatAnImportedImageSaid) {
    Image base = base_image(2);
    const Json history = {{{"created_by", "ADD rootfs"}},
                          {{"created_by", "ENV A=b"}, {"empty_layer", true}},
                          {{"created_by", "RUN make"}}};
    base.config.oci = {{"architecture", "arm64"},
                       {"os", "linux"},
                       {"variant", "v8"},
                       {"author", "me"},
                       {"created", "2020-01-01T00:00:00.123456789Z"},
                       {"config", {{"Entrypoint", {"/init"}}, {"Labels", {{"x", "y"}}}}},
                       {"history", history}};
    const Json config = config_of({base});
    EXPECT_EQ(config.at("architecture"), "arm64");
    EXPECT_EQ(config.at("variant"), "v8");
    EXPECT_EQ(config.at("author"), "me");
    EXPECT_EQ(config.at("created"), "2020-01-01T00:00:00.123456789Z");
    EXPECT_EQ(config.at("config").at("Entrypoint"), Json{"/init"});
    EXPECT_EQ(config.at("config").at("Labels").at("x"), "y");
    EXPECT_EQ(config.at("history"), history);

    const Image stage = stage_image(base);
    const Json derived = config_of({base, stage});
    EXPECT_EQ(derived.at("created"), k_stage_time);
    EXPECT_EQ(derived.at("history").size(), 5U);
    EXPECT_EQ(derived.at("history")[1], history[1]);
    EXPECT_EQ(derived.at("history")[4], line(k_stage_time, "make all"));
    // The base's manifest may be gone.
    EXPECT_EQ(config_of({stage}).at("history")[2], history[2]);
}

TEST(OciConfig, DropsAHistoryThatDoesNotFit) {
    Image base = base_image(2);
    base.config.oci = {{"history", {{{"created_by", "only one"}}}}};
    const Json history = config_of({base}).at("history");
    EXPECT_EQ(history.size(), 2U);
    EXPECT_EQ(history[0], line(k_base_time, "import debian:bookworm"));
}

TEST(OciConfig, TheEpochIsTheTimeOfAllThatIsMadeNow) {
    const Image base = base_image(1);
    const Json config = config_of({base, stage_image(base)}, 0);
    EXPECT_EQ(config.at("created"), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(config.at("history")[2].at("created"), "1970-01-01T00:00:00.000000Z");
}

}  // namespace
}  // namespace mstage::engine
