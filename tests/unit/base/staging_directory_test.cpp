#include "base/staging_directory.hpp"

#include <optional>

#include "base/file.hpp"
#include "support.hpp"

namespace mstage {
namespace {

namespace fs = std::filesystem;
using test::Process;
using test::TempDir;

size_t entries_in(const fs::path& directory) {
    return static_cast<size_t>(std::distance(fs::directory_iterator(directory), {}));
}

TEST(StagingDirectory, GoesWithTheObject) {
    const TempDir dir;
    {
        const StagingDirectory staging(dir.path());
        write_file_atomically(staging.path() / "f", "x");
        EXPECT_EQ(staging.path().parent_path(), dir.path());
    }
    EXPECT_EQ(entries_in(dir.path()), 0U);
}

TEST(StagingDirectory, TakesAwayWhatAKilledOneLeft) {
    const TempDir dir;
    fs::create_directory(dir / ".mstage-longer-name");
    Process victim([&] {
        const StagingDirectory staging(dir.path());
        write_file_atomically(staging.path() / "f", "x");
        write_file_atomically(dir / "ready", "");
        ::pause();
        return 0;
    });
    ASSERT_TRUE(test::eventually([&] { return fs::exists(dir / "ready"); }));
    std::optional<StagingDirectory> mine(std::in_place, dir.path());
    EXPECT_EQ(entries_in(dir.path()), 4U) << "that of the living stays";
    victim.kill(SIGKILL);
    victim.wait();
    const StagingDirectory next(dir.path());
    EXPECT_EQ(entries_in(dir.path()), 4U);
    mine.reset();
    EXPECT_TRUE(fs::exists(next.path()));
    EXPECT_EQ(entries_in(dir.path()), 3U);
}

}  // namespace
}  // namespace mstage
