// What images in OCI layouts and in archives of `docker save` say of themselves.

#include "archive/oci/container_image.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "archive/tar_builder.hpp"
#include "base/file.hpp"
#include "support.hpp"

namespace mstage::archive {
namespace {

namespace fs = std::filesystem;
namespace mt = media_type;
using mstage::test::contains;
using mstage::test::error_of;
using mstage::test::TempDir;
using test::TarBuilder;

const Platform k_here{"amd64", ""};

Json descriptor(std::string_view type, const std::string& content) {
    return {{"mediaType", type}, {"digest", Digest::of(content).str()}, {"size", content.size()}};
}

/// Writes layouts as they should be; tests spoil them.
class Layout {
public:
    Layout() {
        fs::create_directories(m_dir / "blobs/sha256");
        write_file_atomically(m_dir / "oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
    }

    std::string add(const std::string& content) const {
        write_file_atomically(blob(content), content);
        return content;
    }
    fs::path blob(const std::string& content) const {
        return m_dir / ("blobs/sha256/" + Digest::of(content).hex());
    }
    /// A manifest with the given layer.
    std::string image(const std::string& layer,
                      std::string_view layer_type = mt::k_oci_layer) const {
        const std::string config = add(
            dump_json({{"os", "linux"},
                       {"rootfs", {{"type", "layers"}, {"diff_ids", {Digest::of(layer).str()}}}}}));
        return add(dump_json({{"schemaVersion", 2},
                              {"mediaType", mt::k_oci_manifest},
                              {"config", descriptor(mt::k_oci_config, config)},
                              {"layers", Json::array({descriptor(layer_type, add(layer))})}}));
    }
    void write_index(const std::vector<Json>& manifests) const {
        write_file_atomically(m_dir / "index.json",
                              dump_json({{"schemaVersion", 2}, {"manifests", manifests}}));
    }
    ContainerImage read(const std::optional<std::string>& tag = std::nullopt) const {
        return read_oci_layout(*files_of_directory(m_dir.path()), tag, k_here);
    }
    std::string error(const std::optional<std::string>& tag = std::nullopt) const {
        const Error found = error_of([&] { read(tag); });
        return found.message() + "\n" + found.hint();
    }

    TempDir m_dir;
};

Json with_tag(Json entry, const std::string& tag) {
    entry["annotations"] = {{"org.opencontainers.image.ref.name", tag}};
    return entry;
}

Json for_platform(Json entry, const std::string& architecture, const std::string& variant = "") {
    entry["platform"] = {{"os", "linux"}, {"architecture", architecture}};
    if (!variant.empty()) {
        entry["platform"]["variant"] = variant;
    }
    return entry;
}

TEST(OciLayout, HasTheImagesLayers) {
    const Layout layout;
    layout.write_index({descriptor(mt::k_oci_manifest, layout.image("layer"))});
    const ContainerImage image = layout.read();
    ASSERT_EQ(image.layers.size(), 1U);
    EXPECT_EQ(image.layers[0].diff_id, Digest::of("layer"));
    EXPECT_EQ(image.layers[0].file, "blobs/sha256/" + Digest::of("layer").hex());
    EXPECT_EQ(image.layers[0].blob->size, 5U);
    EXPECT_EQ(image.config.at("os"), "linux");
}

TEST(OciLayout, TagSaysWhichImage) {
    const Layout layout;
    layout.write_index({with_tag(descriptor(mt::k_oci_manifest, layout.image("one")), "1"),
                        with_tag(descriptor(mt::k_oci_manifest, layout.image("two")), "2")});
    EXPECT_EQ(layout.read("2").layers[0].diff_id, Digest::of("two"));
    EXPECT_EQ(layout.error("3"), "it has no image with the tag '3'\nits tags are: 1, 2");
    EXPECT_EQ(layout.error(),
              "it has more than one image: a tag has to say which\nits tags are: 1, 2");
    layout.write_index({});
    EXPECT_TRUE(contains(layout.error(), "it has no image"));
}

TEST(OciLayout, IndexSaysWhichMachine) {
    const Layout layout;
    const auto entry = [&](const std::string& layer) {
        return descriptor(mt::k_oci_manifest, layout.image(layer));
    };
    const std::string index = layout.add(dump_json(
        {{"mediaType", mt::k_oci_index},
         {"manifests",
          {for_platform(entry("arm"), "arm64", "v8"), for_platform(entry("none"), "unknown"),
           for_platform(entry("here"), "amd64")}}}));
    layout.write_index({descriptor(mt::k_oci_index, index)});
    EXPECT_EQ(layout.read().layers[0].diff_id, Digest::of("here"));
    const auto files = files_of_directory(layout.m_dir.path());
    EXPECT_EQ(read_oci_layout(*files, {}, {"arm64", ""}).layers[0].diff_id, Digest::of("arm"));
    EXPECT_EQ(error_of([&] {
                  read_oci_layout(*files, {}, {"s390x", ""});
              }).message(),
              "there is no image for this machine, linux/s390x, but for: linux/arm64/v8, "
              "linux/unknown, linux/amd64");
}

TEST(OciLayout, NamesBothDigestsOfADamagedDocument) {
    const Layout layout;
    const std::string manifest = layout.image("layer");
    layout.write_index({descriptor(mt::k_oci_manifest, manifest)});
    std::string other = manifest;
    other.back() = ' ';
    write_file_atomically(layout.blob(manifest), other);
    EXPECT_TRUE(contains(layout.error(), Digest::of(manifest).str()));
    EXPECT_TRUE(contains(layout.error(), Digest::of(other).str()));
    write_file_atomically(layout.blob(manifest), manifest + " ");
    EXPECT_TRUE(contains(layout.error(), fmt::format("has {} bytes instead of {}",
                                                     manifest.size() + 1, manifest.size())));
    fs::remove(layout.blob(manifest));
    EXPECT_TRUE(contains(layout.error(), "it has no file 'blobs/sha256/"));
}

TEST(OciLayout, RefusesWhatItDoesNotKnow) {
    const Layout layout;
    layout.write_index(
        {descriptor(mt::k_oci_manifest, layout.image("l", "application/x-squashfs"))});
    EXPECT_TRUE(contains(layout.error(), "is of the unknown type 'application/x-squashfs'"));
    for (const char* foreign : {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                                "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"}) {
        layout.write_index({descriptor(mt::k_oci_manifest, layout.image("l", foreign))});
        EXPECT_TRUE(contains(layout.error(), "may not be distributed"));
    }
    const std::string odd = layout.add(R"({"mediaType":"text/x-odd","schemaVersion":2})");
    layout.write_index({descriptor("text/x-odd", odd)});
    EXPECT_TRUE(contains(layout.error(), "manifests of type 'text/x-odd' are not known"));
    write_file_atomically(layout.m_dir / "oci-layout", R"({"imageLayoutVersion":"9.0"})");
    EXPECT_TRUE(contains(layout.error(), "version '9.0'"));
    fs::remove(layout.m_dir / "oci-layout");
    EXPECT_TRUE(contains(layout.error(), "it is no OCI image layout"));
}

TEST(OciLayout, RefusesWhatLeadsElsewhere) {
    const Layout layout;
    const std::string manifest = layout.image("layer");
    const Json hostile = {{"mediaType", mt::k_oci_manifest},
                          {"digest", "sha256:../../../../etc/passwd"},
                          {"size", 1}};
    layout.write_index({hostile});
    EXPECT_TRUE(contains(layout.error(), "is no sha256 digest"));
    layout.write_index({descriptor(mt::k_oci_manifest, manifest)});
    fs::remove(layout.blob(manifest));
    fs::create_symlink("/etc/passwd", layout.blob(manifest));
    EXPECT_TRUE(contains(layout.error(), "it has no file"));
}

TEST(OciLayout, RefusesEndlessIndexes) {
    const Layout layout;
    std::string index = layout.image("layer");
    std::string type(mt::k_oci_manifest);
    for (int depth = 0; depth < 6; ++depth) {
        index = layout.add(dump_json(
            {{"mediaType", mt::k_oci_index},
             {"manifests", Json::array({for_platform(descriptor(type, index), "amd64")})}}));
        type = mt::k_oci_index;
    }
    layout.write_index({descriptor(type, index)});
    EXPECT_TRUE(contains(layout.error(), "nested too deep"));
}

class DockerArchive : public ::testing::Test {
protected:
    void write(const TarBuilder& tar, const std::string& filter = "") {
        const std::string bytes = tar.finished();
        write_file_atomically(m_dir / "image.tar",
                              filter.empty() ? bytes : test::compressed(bytes, filter));
        fs::remove_all(m_dir / "scratch");
        fs::create_directory(m_dir / "scratch");
    }
    std::unique_ptr<ImageFiles> files() const {
        return files_of_archive(m_dir / "image.tar", m_dir / "scratch");
    }
    ContainerImage read(const std::optional<std::string>& tag = std::nullopt) const {
        return read_docker_archive(*files(), tag);
    }
    static std::string config(const std::vector<std::string>& layers) {
        Json diff_ids = Json::array();
        for (const std::string& layer : layers) {
            diff_ids.push_back(Digest::of(layer).str());
        }
        return dump_json({{"rootfs", {{"diff_ids", diff_ids}}}});
    }

    TempDir m_dir;
};

TEST_F(DockerArchive, IsReadInPlaceByWayOfLinks) {
    const std::string one(1000, '1');
    const std::string two(512, '2');
    const Json manifest = {{{"Config", "c.json"},
                            {"RepoTags", {"a:latest", "b:1"}},
                            {"Layers", {"one/layer.tar", "two/layer.tar", "three/layer.tar"}}}};
    TarBuilder tar;
    tar.file("manifest.json", dump_json(manifest))
        .file("./c.json", config({one, two, one}))
        .file("one/layer.tar", one)
        .add({.name = "two/layer.tar", .data = two, .pax = {{"comment", std::string(900, 'x')}}})
        .symlink("three/layer.tar", "../one/layer.tar");
    for (const char* filter : {"", "gzip"}) {
        write(tar, filter);
        const ContainerImage image = read();
        ASSERT_EQ(image.layers.size(), 3U);
        const auto archive = files();
        EXPECT_EQ(read_document(archive->get(image.layers[0].file)), one);
        EXPECT_EQ(read_document(archive->get(image.layers[1].file)), two);
        EXPECT_EQ(read_document(archive->get(image.layers[2].file)), one);
        EXPECT_FALSE(image.layers[0].blob);
    }
    EXPECT_EQ(read("a").layers.size(), 3U);
    EXPECT_EQ(read("b:1").layers.size(), 3U);
    EXPECT_EQ(error_of([&] { read("c"); }).hint(), "its tags are: a:latest, b:1");
}

TEST_F(DockerArchive, MustBeOneAndWhole) {
    write(TarBuilder().file("x", "y"));
    EXPECT_TRUE(contains(error_of([&] { read(); }).message(), "no archive of 'docker save'"));
    write_file_atomically(m_dir / "image.tar", "this is no archive, " + std::string(2000, 'x'));
    error_of([&] { read(); });
    const std::string whole =
        TarBuilder().file("manifest.json", "[]").file("layer", std::string(5000, 'x')).finished();
    write_file_atomically(m_dir / "image.tar", whole.substr(0, 4000));
    EXPECT_TRUE(contains(error_of([&] { read(); }).message(), "runcated"));
    write(TarBuilder().file("manifest.json", "[]"));
    EXPECT_TRUE(contains(error_of([&] { read(); }).message(), "it has no image"));
    write(TarBuilder()
              .file("manifest.json", R"([{"Config":"c","Layers":["a","b"]}])")
              .file("c", config({"a"})));
    EXPECT_TRUE(contains(error_of([&] { read(); }).message(), "has 2 layers"));
}

TEST(Digests, AreSha256Only) {
    const std::string digits = Digest::of("").hex();
    EXPECT_EQ(Digest::parse("sha256:" + digits).hex(), digits);
    for (const std::string& text : {std::string(), std::string("sha256:"), "sha512:" + digits,
                                    "sha256:" + digits + "0", "sha256:" + std::string(64, 'A')}) {
        EXPECT_TRUE(contains(error_of([&] { Digest::parse(text); }).message(), "no sha256 digest"));
    }
}

TEST(Digests, MakeChainIdsAsOciDoes) {
    const Digest a = Digest::of("a");
    const Digest b = Digest::of("b");
    EXPECT_EQ(chain_id("", a), a.str());
    EXPECT_EQ(chain_id(a.str(), b), Digest::of(a.str() + " " + b.str()).str());
}

}  // namespace
}  // namespace mstage::archive
