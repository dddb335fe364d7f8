#include "archive/oci/oci_layout.hpp"

#include <unistd.h>

#include <csignal>

#include "base/file.hpp"
#include "base/lock.hpp"
#include "base/staging_directory.hpp"
#include "support.hpp"

namespace mstage::archive {
namespace {

namespace fs = std::filesystem;
using test::error_of;
using test::TempDir;

size_t entries_in(const fs::path& directory) {
    return static_cast<size_t>(std::distance(fs::directory_iterator(directory), {}));
}

Json index_of(const fs::path& layout) {
    return parse_json(read_file(layout / "index.json"), "index");
}

Descriptor some_manifest(const fs::path& layout, const std::string& text) {
    return add_document(layout, {{"text", text}}, "type/manifest");
}

TEST(BlobWriter, NamesABlobByItsDigest) {
    const TempDir dir;
    make_layout(dir.path());
    BlobWriter blob(dir.path());
    blob.write("hello ");
    blob.write("world");
    const Descriptor descriptor = blob.finish("type/x");
    EXPECT_EQ(descriptor.digest.hex(),
              "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9");
    EXPECT_EQ(descriptor.size, 11U);
    EXPECT_EQ(descriptor.media_type, "type/x");
    EXPECT_EQ(read_file(dir / "blobs/sha256" / descriptor.digest.hex()), "hello world");
    EXPECT_EQ(entries_in(dir.path()), 3U);
}

TEST(BlobWriter, LeavesNothingWhenItIsNotFinished) {
    const TempDir dir;
    make_layout(dir.path());
    {
        BlobWriter blob(dir.path());
        blob.write("half");
        BlobWriter moved(std::move(blob));
        moved.write("more");
    }
    EXPECT_EQ(entries_in(dir.path()), 3U);
    EXPECT_EQ(entries_in(dir / "blobs/sha256"), 0U);
}

TEST(OciLayout, AddsImagesAndReplacesThoseOfTheSameTag) {
    const TempDir dir;
    make_layout(dir.path());
    const Descriptor first = some_manifest(dir.path(), "1");
    const Descriptor second = some_manifest(dir.path(), "2");
    add_to_index(dir.path(), first, "one");
    add_to_index(dir.path(), first, "two");
    add_to_index(dir.path(), first, "");
    add_to_index(dir.path(), second, "one");
    const Json manifests = index_of(dir.path()).at("manifests");
    ASSERT_EQ(manifests.size(), 3U);
    EXPECT_EQ(manifests[0].at("annotations").at("org.opencontainers.image.ref.name"), "two");
    EXPECT_EQ(manifests[0].at("digest"), first.digest.str());
    EXPECT_FALSE(manifests[1].contains("annotations"));
    EXPECT_EQ(manifests[2].at("annotations").at("org.opencontainers.image.ref.name"), "one");
    EXPECT_EQ(manifests[2].at("digest"), second.digest.str());
}

TEST(OciLayout, KeepsWhatElseAnIndexSays) {
    const TempDir dir;
    make_layout(dir.path());
    write_file_atomically(dir / "index.json",
                          R"({"schemaVersion":2,"manifests":[],"annotations":{"a":"b"}})");
    add_to_index(dir.path(), some_manifest(dir.path(), "1"), "tag");
    EXPECT_EQ(index_of(dir.path()).at("annotations").at("a"), "b");
    write_file_atomically(dir / "index.json", "[]");
    EXPECT_THROW(add_to_index(dir.path(), some_manifest(dir.path(), "1"), "tag"), Error);
}

TEST(OciLayout, KnowsALayoutFromAnythingElse) {
    const TempDir dir;
    EXPECT_FALSE(takes_images(dir / "missing"));
    EXPECT_TRUE(takes_images(dir.path())) << "empty";
    {
        const StagingDirectory another(dir.path());
        EXPECT_TRUE(takes_images(dir.path()));
    }
    write_file_atomically(dir / "file", "");
    EXPECT_FALSE(error_of([&] { takes_images(dir.path()); }).hint().empty());
    EXPECT_THROW(takes_images(dir / "file"), Error);
    make_layout(dir.path());
    EXPECT_TRUE(takes_images(dir.path()));
}

TEST(OciLayout, MovesBlobsAlsoOverTornOnes) {
    const TempDir dir;
    make_layout(dir / "from");
    make_layout(dir / "into");
    const Descriptor both = some_manifest(dir / "from", "both");
    some_manifest(dir / "into", "both");
    some_manifest(dir / "from", "new");
    write_file_atomically(dir / "into/blobs/sha256" / both.digest.hex(), "");
    add_to_layout(dir / "from", dir / "into", both, "tag", EndSignals());
    EXPECT_EQ(entries_in(dir / "into/blobs/sha256"), 2U);
    EXPECT_EQ(fs::file_size(dir / "into/blobs/sha256" / both.digest.hex()), both.size);
}

TEST(OciLayout, MakesALayoutOfADirectoryThatIsEmpty) {
    const TempDir dir;
    make_layout(dir / "from");
    fs::create_directory(dir / "into");
    add_to_layout(dir / "from", dir / "into", some_manifest(dir / "from", "1"), "a", EndSignals());
    add_to_layout(dir / "from", dir / "into", some_manifest(dir / "from", "2"), "b", EndSignals());
    EXPECT_EQ(read_file(dir / "into/oci-layout"), read_file(dir / "from/oci-layout"));
    EXPECT_EQ(index_of(dir / "into").at("manifests").size(), 2U);
    EXPECT_EQ(entries_in(dir / "into/blobs/sha256"), 2U);
}

TEST(OciLayout, ASignalEndsTheWaitForAnother) {
    const TempDir dir;
    make_layout(dir / "from");
    make_layout(dir / "into");
    const Descriptor manifest = some_manifest(dir / "from", "1");
    const FileLock others = FileLock::acquire(dir / "into/oci-layout", LockMode::exclusive);
    const EndSignals signals;
    ::kill(::getpid(), SIGTERM);
    EXPECT_THROW(add_to_layout(dir / "from", dir / "into", manifest, "a", signals), Interrupted);
}

TEST(OciLayout, ArchivesAreTheSameForTheSameLayout) {
    const TempDir dir;
    const auto archive = [&](const fs::path& layout) {
        make_layout(layout);
        add_to_index(layout, some_manifest(layout, "1"), "tag");
        some_manifest(layout, "2");
        std::string bytes;
        archive_layout(layout, [&](std::string_view more) { bytes += more; });
        return bytes;
    };
    const std::string first = archive(dir / "one");
    EXPECT_EQ(first, archive(dir / "two"));
    EXPECT_EQ(first.substr(0, 10), "oci-layout");
}

}  // namespace
}  // namespace mstage::archive
