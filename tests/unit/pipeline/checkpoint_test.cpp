#include "pipeline/checkpoint.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "pipeline_fixture.hpp"

namespace mstage::pipeline {
namespace {

namespace fs = std::filesystem;
using engine::ImageId;
using test::contains;
using test::error_of;

class CheckpointTest : public ::testing::Test {
protected:
    static void make_old(const fs::path& path) {
        const timespec times[2] = {{1000000000, 0}, {1000000000, 0}};
        ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    }
    static bool is_old(const fs::path& path) {
        struct stat info {};
        return ::stat(path.c_str(), &info) == 0 && info.st_mtim.tv_sec == 1000000000;
    }

    test::TempDir m_dir;
    Plan m_plan = make_plan(plan_json(m_dir / "build"));
    Checkpoint m_checkpoint{.name = "build-complete",
                            .image = ImageId::generate(),
                            .parent = ImageId::generate(),
                            .key = std::string(64, 'a')};
};

TEST_F(CheckpointTest, ComesBackFromItsMarker) {
    EXPECT_FALSE(read_checkpoint(m_plan, "build-complete"));
    EXPECT_TRUE(write_checkpoint(m_plan, m_checkpoint));
    const auto found = read_checkpoint(m_plan, "build-complete");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->name, "build-complete");
    EXPECT_EQ(found->image, m_checkpoint.image);
    EXPECT_EQ(found->parent, m_checkpoint.parent);
    EXPECT_EQ(found->key, m_checkpoint.key);
}

TEST_F(CheckpointTest, NeedsNeitherParentNorKey) {
    write_checkpoint(m_plan,
                     {.name = "setup-base", .image = m_checkpoint.image, .parent = {}, .key = {}});
    const auto found = read_checkpoint(m_plan, "setup-base");
    ASSERT_TRUE(found);
    EXPECT_FALSE(found->parent);
    EXPECT_FALSE(found->key);
}

TEST_F(CheckpointTest, LeavesAMarkerThatSaysTheSame) {
    write_checkpoint(m_plan, m_checkpoint);
    const fs::path marker = m_plan.marker_path("build-complete");
    make_old(marker);
    EXPECT_FALSE(write_checkpoint(m_plan, m_checkpoint));
    EXPECT_TRUE(is_old(marker));
    m_checkpoint.image = ImageId::generate();
    EXPECT_TRUE(write_checkpoint(m_plan, m_checkpoint));
    EXPECT_FALSE(is_old(marker));
}

TEST_F(CheckpointTest, WithATornMarkerIsNone) {
    for (const char* text :
         {"", "{", "[]", "garbage", "{\"version\": 2}", "{\"version\": 1}",
          "{\"version\": 1, \"image\": \"no uuid\"}", "{\"version\": 1, \"image\": 5}"}) {
        write_file_atomically(m_plan.marker_path("build-complete"), text);
        EXPECT_FALSE(read_checkpoint(m_plan, "build-complete")) << text;
    }
    EXPECT_TRUE(write_checkpoint(m_plan, m_checkpoint)) << "and is mended";
    EXPECT_TRUE(read_checkpoint(m_plan, "build-complete"));
}

TEST_F(CheckpointTest, ThatIsMissingNamesTheCommandThatMakesIt) {
    const Error error = error_of([&] { get_checkpoint(m_plan, "build-complete"); });
    EXPECT_EQ(error.message(), "checkpoint 'build-complete' of pipeline 'app' has not been built");
    EXPECT_TRUE(
        contains(error.hint(), "ninja -C '" + (m_dir / "build").native() + "' build-complete"))
        << error.hint();
    write_checkpoint(m_plan, m_checkpoint);
    EXPECT_EQ(get_checkpoint(m_plan, "build-complete").image, m_checkpoint.image);
}

TEST_F(CheckpointTest, IsRemovedOnceOrTwice) {
    write_checkpoint(m_plan, m_checkpoint);
    remove_checkpoint(m_plan, "build-complete");
    remove_checkpoint(m_plan, "build-complete");
    EXPECT_FALSE(fs::exists(m_plan.marker_path("build-complete")));
}

TEST_F(CheckpointTest, DependencyFileIsWhatBuildToolsRead) {
    const fs::path depfile = m_plan.depfile_path("scan");
    const fs::path output = m_plan.inputs_path("build");
    write_depfile(m_plan, depfile, output, {"/src/a.c", "/src/with space/b#1", "/src/$c"});
    EXPECT_EQ(read_file(depfile),
              ".mstage/app/build.inputs " + output.native() +
                  ": \\\n  /src/a.c \\\n  /src/with\\ space/b\\#1 \\\n  /src/$$c\n");
}

TEST_F(CheckpointTest, DependencyFileNamesWhatIsNeverThereForAPathThatItCannotHold) {
    const fs::path depfile = m_plan.depfile_path("scan");
    write_depfile(m_plan, depfile, m_plan.inputs_path("build"), {"/src/a*b"});
    EXPECT_FALSE(contains(read_file(depfile), "a*b"));
    EXPECT_TRUE(contains(read_file(depfile), never_there(m_plan)));
    EXPECT_FALSE(fs::exists(m_plan.build_dir / never_there(m_plan)));
}

TEST_F(CheckpointTest, DependencyFileThatSaysTheSameIsLeftAlone) {
    const fs::path depfile = m_plan.depfile_path("scan");
    write_depfile(m_plan, depfile, m_plan.inputs_path("build"), {"/src/a.c"});
    make_old(depfile);
    write_depfile(m_plan, depfile, m_plan.inputs_path("build"), {"/src/a.c"});
    EXPECT_TRUE(is_old(depfile));
}

}  // namespace
}  // namespace mstage::pipeline
