#include "base/staging_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <vector>

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

TEST(StagingDirectory, TakesAwayWhatWasKilledBeforeItWasMarked) {
    const TempDir dir;
    fs::create_directory(dir / ".mstage-aaaaaa");
    const StagingDirectory staging(dir.path());
    EXPECT_EQ(entries_in(dir.path()), 1U);
}

TEST(StagingDirectory, IsMadeOnceMoreWhenTakenForADeadOne) {
    const TempDir dir;
    std::vector<std::unique_ptr<Process>> makers;
    for (int i = 0; i < 4; ++i) {
        makers.push_back(std::make_unique<Process>([&] {
            for (int round = 0; round < 100; ++round) {
                const StagingDirectory staging(dir.path());
                write_file_atomically(staging.path() / "f", "x");
            }
            return 0;
        }));
    }
    for (const auto& maker : makers) {
        EXPECT_TRUE(maker->wait().ok());
    }
    EXPECT_EQ(entries_in(dir.path()), 0U);
}

TEST(StagingDirectory, LeavesPeoplesDirectoriesAlone) {
    const TempDir dir;
    fs::create_directory(dir / ".mstage-backup");
    write_file_atomically(dir / ".mstage-backup/f", "mine");
    fs::create_directory(dir / ".mstage-marked");
    {
        const StagingDirectory staging(dir.path());
        fs::copy(staging.path() / ".mstage-staging", dir / ".mstage-marked");
    }
    const StagingDirectory staging(dir.path());
    EXPECT_EQ(read_file(dir / ".mstage-backup/f"), "mine");
    EXPECT_TRUE(fs::exists(dir / ".mstage-marked")) << "a copy is somebody's own";
    EXPECT_EQ(entries_in(dir.path()), 3U);
}

TEST(StagingDirectory, LeavesThoseOfOthersAlone) {
    if (::geteuid() != 0) {
        GTEST_SKIP() << "only root can give a directory to somebody else";
    }
    const TempDir dir;
    Process victim([&]() -> int {
        const StagingDirectory staging(dir.path());
        ::_exit(::chown(staging.path().c_str(), 4711, 4711));
    });
    ASSERT_TRUE(victim.wait().ok());
    const StagingDirectory staging(dir.path());
    EXPECT_EQ(entries_in(dir.path()), 2U);
}

TEST(StagingDirectory, DoesNotCareForTheUmask) {
    const TempDir dir;
    const mode_t before = ::umask(0777);
    const StagingDirectory staging(dir.path());
    ::umask(before);
    EXPECT_EQ(fs::status(staging.path()).permissions(), fs::perms(0700));
}

}  // namespace
}  // namespace mstage
