#include "engine/local/container/export_destination.hpp"

#include "support.hpp"

namespace mstage::engine {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::error_of;

TEST(ExportDestination, PathsEndAtTheFirstColon) {
    const ExportDestination plain = parse_export_destination("oci:/a/b");
    EXPECT_EQ(plain.kind, DestinationKind::oci);
    EXPECT_EQ(plain.path, "/a/b");
    EXPECT_EQ(plain.name, "latest");
    const ExportDestination tagged = parse_export_destination("oci-archive:/a/b.tar:name:1.0");
    EXPECT_EQ(tagged.kind, DestinationKind::oci_archive);
    EXPECT_EQ(tagged.path, "/a/b.tar");
    EXPECT_EQ(tagged.name, "name:1.0");
    const ExportDestination docker = parse_export_destination("docker-archive:/a/b.tar");
    EXPECT_EQ(docker.kind, DestinationKind::docker_archive);
    EXPECT_EQ(docker.name, "");
}

TEST(ExportDestination, PathsBecomeAbsolute) {
    EXPECT_EQ(parse_export_destination("oci:dir").path, fs::current_path() / "dir");
    EXPECT_EQ(parse_export_destination("oci:./a/../dir/").path, fs::current_path() / "dir");
}

TEST(ExportDestination, AnArchiveCanBeAStream) {
    const ExportDestination stream = parse_export_destination("oci-archive:-:v1");
    EXPECT_TRUE(stream.is_stream);
    EXPECT_EQ(stream.name, "v1");
    EXPECT_FALSE(parse_export_destination("oci-archive:./-").is_stream);
    EXPECT_THROW(parse_export_destination("oci:-"), UsageError);
    EXPECT_THROW(parse_export_destination("oci-archive:/dev/stdout"), UsageError);
}

TEST(ExportDestination, RegistriesAreWhatSkopeoTakesThemFor) {
    const ExportDestination registry =
        parse_export_destination("docker://registry.example:5000/a/b:1.0");
    EXPECT_EQ(registry.kind, DestinationKind::registry);
    EXPECT_EQ(registry.name, "registry.example:5000/a/b:1.0");
}

TEST(ExportDestination, PasswordsAreRefusedAndNotRepeated) {
    const UsageError error = error_of<UsageError>(
        [] { parse_export_destination("docker://me:secret@registry.example/a"); });
    EXPECT_FALSE(contains(error.message(), "secret")) << error.message();
    EXPECT_TRUE(contains(error.hint(), "skopeo login"));
}

TEST(ExportDestination, OthersAreWrongUsage) {
    for (const char* text :
         {"", "dir", "oci:", "oci::tag", "oci:dir:", "oci-archive:", "docker-archive::a",
          "docker-archive:a:B:1", "docker-archive:a:b:c:d", "docker-archive:a:b@sha256:1",
          "docker://", "docker:///a", "docker://host/", "docker:image", "ftp:x"}) {
        EXPECT_THROW(parse_export_destination(text), UsageError) << text;
    }
    EXPECT_TRUE(contains(error_of([] { parse_export_destination("dir"); }).hint(), "oci-archive:"));
}

}  // namespace
}  // namespace mstage::engine
