#include "source/scan.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <fstream>

#include "base/hash.hpp"
#include "source/inputs.hpp"
#include "source/stat_cache.hpp"
#include "test_tree.hpp"

namespace mstage::source {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

class ScanTest : public TreeTest {
protected:
    /// What differs between two scans, as "added a", "modified b", ...
    static Strings changes(const Tree& before, const Tree& after) {
        static const char* const k_words[] = {"added ", "removed ", "modified ", "retyped "};
        Strings found;
        for (const Difference& difference : differences(before.entries, after.entries)) {
            const Entry* entry = difference.after != nullptr ? difference.after : difference.before;
            found.push_back(k_words[static_cast<int>(difference.kind)] + entry->path);
        }
        return found;
    }
    void set_mtime(const std::string& path, timespec mtime) const {
        const timespec times[2] = {{0, UTIME_OMIT}, mtime};
        ASSERT_EQ(::utimensat(AT_FDCWD, at(path).c_str(), times, AT_SYMLINK_NOFOLLOW), 0);
    }
};

TEST_F(ScanTest, FindsFilesDirectoriesAndLinks) {
    write("b/f", "content", 0640);
    mkdir("b/empty", 0750);
    symlink("../nowhere", "b/l");
    const Tree tree = scan(m_options);
    ASSERT_EQ(paths_of(tree.entries), (Strings{"b", "b/empty", "b/f", "b/l"}));
    EXPECT_EQ(tree.entries[1], (Entry{"b/empty", EntryType::directory, 0750, ""}));
    EXPECT_EQ(tree.entries[2], (Entry{"b/f", EntryType::file, 0640, sha256_hex("content")}));
    EXPECT_EQ(tree.entries[3], (Entry{"b/l", EntryType::symlink, 0777, sha256_hex("../nowhere")}));
    EXPECT_TRUE(tree.warnings.empty());
}

TEST_F(ScanTest, SortsByTheBytesOfWholePaths) {
    for (const char* path :
         {"a/x", "a-b", "a.c", "a0", "a/b/c", "a/b-", "B", "\xff", "a b", "a/b0"}) {
        write(path, "");
    }
    const Strings paths = paths_of(scan(m_options).entries);
    EXPECT_EQ(paths.size(), 12U);
    EXPECT_TRUE(std::ranges::is_sorted(paths));
    EXPECT_TRUE(scan(m_options).cache_id != 0);
    EXPECT_EQ(paths, paths_of(scan_and_settle().entries)) << "the cache is read in the same order";
}

TEST_F(ScanTest, LeavesOutGitAndSkippedDirectoriesOnly) {
    for (const char* path : {".git/HEAD", "sub/.git", "build/x", "dist/x", ".hidden", ".gitignore",
                             "out/x", "other/out/x"}) {
        write(path, "");
    }
    m_options.skip = {at("out"), m_base, "/nowhere", m_base / "src-out"};
    EXPECT_EQ(paths_of(scan(m_options).entries),
              (Strings{".gitignore", ".hidden", "build", "build/x", "dist", "dist/x", "other",
                       "other/out", "other/out/x", "sub"}));
}

TEST_F(ScanTest, SkipsByRealPath) {
    write("out/x", "");
    fs::create_directory_symlink(m_options.root, m_base / "alias");
    m_options.skip = {m_base / "alias" / "out" / ""};
    EXPECT_TRUE(scan(m_options).entries.empty());
    m_options.root = m_base / "alias";
    m_options.skip = {m_base / "src" / "out"};
    EXPECT_TRUE(scan(m_options).entries.empty()) << "the root may be a link";
}

TEST_F(ScanTest, LeavesOutBuildTrees) {
    for (const char* path :
         {"build/a/.mstage/.place", "build/a/x", "build/b/sub/.mstage/.place", "build/b/x",
          "build-x", "build/a-b", "file/.mstage/other", "name/.place"}) {
        write(path, "");
    }
    ASSERT_EQ(::mkfifo(at("build/a/pipe").c_str(), 0600), 0);
    const Strings expected{"build", "build-x",      "build/a-b",          "build/b", "build/b/x",
                           "file",  "file/.mstage", "file/.mstage/other", "name",    "name/.place"};
    const Tree tree = scan_and_settle();
    EXPECT_EQ(paths_of(tree.entries), expected);
    EXPECT_TRUE(tree.warnings.empty()) << tree.warnings.front();
    write("build/a/y", "");
    EXPECT_TRUE(scan(m_options).unchanged);
    write("build/c/.mstage/.place", "");
    EXPECT_TRUE(scan(m_options).unchanged) << "a new one";
    write("build/b/.mstage/.place", "");
    EXPECT_EQ(changes(tree, scan(m_options)), (Strings{"removed build/b", "removed build/b/x"}));
}

TEST_F(ScanTest, WatchesWhatMakesABuildTree) {
    write("b/.mstage/.place", "");
    const Strings watched = scan(m_options).watched();
    EXPECT_TRUE(std::ranges::count(watched, (m_options.root / "b/.mstage/.place").native()) == 1)
        << "without it, b is source";
    fs::remove_all(m_options.root / "b/.mstage");
    EXPECT_EQ(paths_of(scan(m_options).entries), (Strings{"b"}));
}

TEST_F(ScanTest, LeavesOutWhatOnlyHoldsBuildTrees) {
    write("out/x/.mstage/.place", "");
    write("out/x/deep/f", "");
    write("build/app/f", "");
    fs::create_directories(m_options.root / "empty");
    m_options.skip = {m_options.root / "build/app"};
    const Tree tree = scan_and_settle();
    EXPECT_EQ(paths_of(tree.entries), (Strings{"empty"}));
    write("build/f", "");
    EXPECT_EQ(changes(tree, scan(m_options)), (Strings{"added build", "added build/f"}));
    for (const char* watched : {"out", "out/x/.mstage/.place", "build"}) {
        EXPECT_EQ(std::ranges::count(tree.watched(), (m_options.root / watched).native()), 1)
            << watched;
    }
}

TEST_F(ScanTest, ASourceThatIsConfiguredInItsOwnPlaceIsNoBuildTree) {
    write("sub/.mstage/.place", "");
    write("sub/.mstage/app/plan.json", "");
    write("sub/CMakeLists.txt", "");
    EXPECT_EQ(paths_of(scan(m_options).entries), (Strings{"sub", "sub/CMakeLists.txt"}));
}

TEST_F(ScanTest, TheRootIsNotTakenForABuildTree) {
    write(".mstage/.place", "");
    write("x", "");
    EXPECT_EQ(paths_of(scan(m_options).entries), (Strings{"x"}));
}

TEST_F(ScanTest, RefusesToSkipTheRoot) {
    m_options.skip = {m_options.root / "."};
    EXPECT_THROW(scan(m_options), Error);
}

TEST_F(ScanTest, MissingRootIsAnError) {
    m_options.root = m_base / "nothing";
    EXPECT_THROW(scan(m_options), Error);
    m_options.root = m_base / "file";
    std::ofstream(m_options.root) << "x";
    EXPECT_THROW(scan(m_options), Error);
}

TEST_F(ScanTest, NeverFollowsLinks) {
    write("d/f", "");
    symlink("..", "d/up");
    symlink(".", "self");
    symlink("d", "link");
    EXPECT_EQ(paths_of(scan(m_options).entries), (Strings{"d", "d/f", "d/up", "link", "self"}));
}

TEST_F(ScanTest, WarnsOfWhatCannotBeAnInput) {
    ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
    ASSERT_EQ(::mkfifo(at("excluded").c_str(), 0600), 0);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    at("sock").native().copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ::close(socket);
    m_options.exclude = {"excluded"};
    const Tree tree = scan(m_options);
    EXPECT_TRUE(tree.entries.empty());
    ASSERT_EQ(tree.warnings.size(), 2U);
    EXPECT_NE((tree.warnings[0] + tree.warnings[1]).find("src/pipe'"), std::string::npos);
    EXPECT_NE((tree.warnings[0] + tree.warnings[1]).find("src/sock'"), std::string::npos);
}

TEST_F(ScanTest, UnreadableIsAnErrorWithARemedy) {
    ::chmod(m_base.c_str(), 0777);
    mkdir("", 0755);
    write("f", "x", 0000);
    const auto expect_error_on = [&](const std::string& path) {
        const AsOrdinaryUser user;
        try {
            scan(m_options);
            ADD_FAILURE() << path;
        } catch (const SysError& error) {
            EXPECT_NE(error.message().find(at(path).native()), std::string::npos);
            EXPECT_NE(error.hint().find("EXCLUDE \"/" + path), std::string::npos);
        }
    };
    expect_error_on("f");
    remove("f");
    mkdir("d", 0000);
    expect_error_on("d");
}

TEST_F(ScanTest, WeirdNames) {
    const Strings names = {" ",         "-rf",    "a\nb", "caf\xc3\xa9",
                           "latin\xe9", "q\"'$`", "\\",   std::string(255, 'n')};
    for (const std::string& name : names) {
        write(name, name);
    }
    const Tree tree = scan_and_settle();
    EXPECT_EQ(paths_of(tree.entries).size(), names.size());
    for (const std::string& name : names) {
        EXPECT_EQ(entry_at(tree.entries, name).hash, sha256_hex(name));
    }
    EXPECT_TRUE(scan(m_options).unchanged);
}

TEST_F(ScanTest, NoticesEveryKindOfChange) {
    for (const char* path : {"content", "mode", "removed", "renamed", "to_dir"}) {
        write(path, "before");
    }
    mkdir("dir_mode");
    symlink("x", "link");
    wait_for_next_tick();
    const Tree before = scan_and_settle();
    EXPECT_FALSE(before.unchanged);
    EXPECT_TRUE(scan(m_options).unchanged);

    write("content", "behind");
    ::chmod(at("mode").c_str(), 0600);
    ::chmod(at("dir_mode").c_str(), 0700);
    remove("removed");
    fs::rename(at("renamed"), at("new_name"));
    remove("link");
    symlink("y", "link");
    remove("to_dir");
    mkdir("to_dir");
    mkdir("empty");
    write("added", "");
    const Tree after = scan(m_options);
    EXPECT_FALSE(after.unchanged);
    EXPECT_EQ(changes(before, after),
              (Strings{"added added", "modified content", "modified dir_mode", "added empty",
                       "modified link", "modified mode", "added new_name", "removed removed",
                       "removed renamed", "retyped to_dir"}));
}

TEST_F(ScanTest, OneChangeOfEachKindAloneIsNoticed) {
    write("d/f", "x");
    const auto expect_changed = [&](const char* what) {
        EXPECT_FALSE(scan_and_settle().unchanged) << what;
        EXPECT_TRUE(scan_and_settle().unchanged) << what;
    };
    expect_changed("first");
    mkdir("d/empty");
    expect_changed("empty directory added");
    remove("d/empty");
    expect_changed("empty directory removed");
    ::chmod(at("d/f").c_str(), 0600);
    expect_changed("mode");
    fs::rename(at("d/f"), at("d/g"));
    expect_changed("renamed");
    write("zzz", "");
    expect_changed("added at the end");
    remove("zzz");
    expect_changed("removed at the end");
    m_options.exclude = {"g"};
    expect_changed("excluded");
}

TEST_F(ScanTest, TouchedFilesAreTheSame) {
    write("f", "x");
    symlink("t", "l");
    wait_for_next_tick();
    const Tree before = scan_and_settle();
    set_mtime("f", {1000, 5});
    set_mtime("l", {1000, 5});
    const Tree after = scan(m_options);
    EXPECT_EQ(before.entries, after.entries);
    EXPECT_TRUE(after.unchanged);
}

TEST_F(ScanTest, UnchangedOnlyOnceSettledAndWithTheSameKey) {
    write("f", "x");
    scan(m_options);
    EXPECT_FALSE(scan(m_options).unchanged) << "nobody said that the first was made use of";
    scan_and_settle();
    EXPECT_TRUE(scan(m_options).unchanged);
    m_options.key = "another plan";
    EXPECT_FALSE(scan(m_options).unchanged);
    EXPECT_FALSE(scan_and_settle().unchanged);
    EXPECT_TRUE(scan(m_options).unchanged);
}

TEST_F(ScanTest, SettlesOnlyWhatItScanned) {
    write("f", "x");
    const Tree first = scan(m_options);
    write("f", "y");
    const Tree second = scan(m_options);
    settle(m_options, first);
    EXPECT_FALSE(scan(m_options).unchanged);
}

TEST_F(ScanTest, RewriteWithinOneTickIsNoticed) {
    // Size and inode stay; the modification time is put back; only content and perhaps the change
    // time differ.
    write("f", "0");
    const timespec fixed{1'700'000'000, 123};
    set_mtime("f", fixed);
    for (int i = 1; i <= 200; ++i) {
        const std::string content = std::to_string(i % 10);
        const Fd fd = open_fd(at("f"), O_WRONLY);
        write_all(fd.get(), content);
        set_mtime("f", fixed);
        const Tree tree = scan_and_settle();
        ASSERT_EQ(tree.entries[0].hash, sha256_hex(content)) << "round " << i;
    }
}

TEST_F(ScanTest, FreshFilesAreReadAgainUntilTheyAreOld) {
    // A busy machine may not do both in one tick at once.
    std::int64_t tick = 0;
    for (int attempt = 0; attempt < 1000 && tick != file_system_clock(); ++attempt) {
        wait_for_next_tick();
        tick = file_system_clock();
        write("f", "x");
        scan_and_settle();
    }
    const std::string too_fresh = read_file(m_options.cache_file);
    EXPECT_TRUE(scan(m_options).unchanged) << "not trusted, but the same";
    wait_for_next_tick();
    EXPECT_TRUE(scan(m_options).unchanged);
    const std::string old_enough = read_file(m_options.cache_file);
    EXPECT_NE(old_enough, too_fresh);
    EXPECT_TRUE(scan(m_options).unchanged);
    EXPECT_EQ(read_file(m_options.cache_file), old_enough);
}

TEST_F(ScanTest, CacheIsLeftAloneWhenNothingChanged) {
    write("f", "x");
    wait_for_next_tick();
    scan_and_settle();
    const auto written = fs::last_write_time(m_options.cache_file);
    wait_for_next_tick();
    EXPECT_TRUE(scan_and_settle().unchanged);
    EXPECT_EQ(fs::last_write_time(m_options.cache_file), written);
}

TEST_F(ScanTest, FutureTimesAreHashedEachTimeAndHarmless) {
    write("f", "x");
    set_mtime("f", {4'000'000'000, 0});
    wait_for_next_tick();
    scan_and_settle();
    const auto written = fs::last_write_time(m_options.cache_file);
    EXPECT_TRUE(scan_and_settle().unchanged);
    EXPECT_EQ(fs::last_write_time(m_options.cache_file), written);
}

/// A cache with a wrong hash shows whether the scan read the file.
TEST_F(ScanTest, ReadsOnlyWhatTheCacheCannotTell) {
    write("f", "x");
    struct stat info {};
    ASSERT_EQ(::lstat(at("f").c_str(), &info), 0);
    const std::string wrong(64, '0');
    const auto scan_with_cache_of = [&](std::int64_t scanned, FileStatus status) {
        StatCacheWriter writer(scanned);
        writer.add({status, "f", wrong});
        writer.write(m_options.cache_file, m_options.key, true);
        return scan(m_options).entries.at(0).hash;
    };
    const FileStatus status = status_of(info);
    EXPECT_EQ(scan_with_cache_of(status.ctime + 1, status), wrong);
    const std::string right = sha256_hex("x");
    EXPECT_EQ(scan_with_cache_of(status.ctime, status), right);
    for (const auto member : {&FileStatus::inode, &FileStatus::size}) {
        FileStatus other = status;
        ++(other.*member);
        EXPECT_EQ(scan_with_cache_of(status.ctime + 1, other), right);
    }
    for (const auto member : {&FileStatus::mtime, &FileStatus::ctime}) {
        FileStatus other = status;
        --(other.*member);
        EXPECT_EQ(scan_with_cache_of(status.ctime + 1, other), right);
    }
}

TEST_F(ScanTest, BrokenCacheIsNoCache) {
    write("d/f", "x");
    write("g", "y");
    wait_for_next_tick();
    const Tree tree = scan_and_settle();
    const std::string good = read_file(m_options.cache_file);
    const auto expect_rescan = [&](const std::string& cache) {
        write_file_atomically(m_options.cache_file, cache);
        const Tree again = scan(m_options);
        EXPECT_FALSE(again.unchanged);
        EXPECT_EQ(again.entries, tree.entries);
    };
    for (size_t size = 0; size < good.size(); size += 7) {
        expect_rescan(good.substr(0, size));
        std::string zeroed = good;
        std::fill(zeroed.begin() + static_cast<long>(size), zeroed.end(), '\0');
        expect_rescan(zeroed);
    }
    for (size_t i = 60; i < good.size(); i += 3) {
        std::string flipped = good;
        flipped[i] = static_cast<char>(flipped[i] ^ 0x20);
        expect_rescan(flipped);
    }
    std::string other_version = good;
    other_version[other_version.find('1')] = '2';
    expect_rescan(other_version);
    expect_rescan("text\n");
}

TEST_F(ScanTest, WatchesFilesAndDirectoriesButNotLinks) {
    write("d/f", "");
    symlink("nowhere", "l");
    const std::string root = m_options.root.native();
    EXPECT_EQ(scan(m_options).watched(), (Strings{root, root + "/d", root + "/d/f"}));
}

TEST_F(ScanTest, DeepTrees) {
    std::string path = "d";
    for (int i = 0; i < 200; ++i) {
        path += "/d";
    }
    write(path + "/f", "x");
    EXPECT_EQ(scan_and_settle().entries.size(), 202U);
    EXPECT_TRUE(scan(m_options).unchanged);
}

}  // namespace mstage::source
