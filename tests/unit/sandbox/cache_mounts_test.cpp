// Caches in a root: where they appear, and that nothing of them stays.

#include "sandbox/cache_mounts.hpp"

#include <sys/stat.h>
#include <sys/xattr.h>

#include "sandbox_fixture.hpp"

namespace mstage::sandbox {
namespace {

using test::contains;
using test::error_of;

class CacheMountsTest : public SandboxModesTest {
protected:
    ~CacheMountsTest() override {
        if (m_ids.mode == IdMode::ranges) {
            run_in_user_namespace(m_ids, [&] { remove_tree(m_dir / "caches"); });
        }
    }
    /// A command with caches "a", "b", … at these places.
    Spec with_caches(const std::string& text, const std::vector<std::string>& places) {
        Spec spec = shell(text);
        std::filesystem::create_directories(m_dir / "caches");
        spec.scratch = m_dir / fmt::format("runs/{}/scratch", m_count);
        for (const std::string& place : places) {
            const std::string name(1, static_cast<char>('a' + spec.caches.size()));
            spec.caches.push_back({m_dir / "caches" / name, place});
        }
        return spec;
    }
    std::string cached(const std::string& file) const { return read_file(m_dir / "caches" / file); }
    bool nothing_was_written() const { return std::filesystem::is_empty(upper()); }
    /// One more layer below the next command's changes: what `text` wrote.
    std::filesystem::path layer_of(const std::string& text) {
        output_of(shell(text));
        return upper();
    }
    static void put_on_top(Spec& spec, const std::filesystem::path& layer) {
        auto& lowers = spec.root.overlays[0].lowers;
        lowers.insert(lowers.begin(), layer);
    }
};
INSTANTIATE_TEST_SUITE_P(Modes, CacheMountsTest, ::testing::ValuesIn(possible_id_maps()),
                         name_of_mode);

TEST_P(CacheMountsTest, OutliveTheRunAndAreInNoLayer) {
    output_of(
        with_caches("echo 1 > /var/x; echo 2 > /app/deep/cache/x", {"/var", "/app/deep/cache"}));
    EXPECT_EQ(cached("a/x"), "1\n");
    EXPECT_EQ(cached("b/x"), "2\n");
    EXPECT_TRUE(nothing_was_written());
    EXPECT_EQ(output_of(with_caches("cat /elsewhere/x", {"/elsewhere"})), "1\n");
}

TEST_P(CacheMountsTest, LeaveWhatIsWrittenBesideThem) {
    output_of(
        with_caches("echo 1 > /app/mods/.cache/x; echo 2 > /app/mods/y", {"/app/mods/.cache"}));
    EXPECT_EQ(read_file(upper() / "app/mods/y"), "2\n");
    EXPECT_FALSE(std::filesystem::exists(upper() / "app/mods/.cache"));
}

TEST_P(CacheMountsTest, ShowWhereLayersHideWhatIsBelowThem) {
    const auto first = layer_of("mkdir -p /app/mods/old");
    Spec second = shell("rm -rf /app/mods; mkdir /app/mods; echo 1 > /app/mods/new");
    put_on_top(second, first);
    output_of(second);
    const auto opaque = upper();
    Spec third = with_caches("ls -A /app/mods; echo 2 > /app/mods/.cache/x", {"/app/mods/.cache"});
    put_on_top(third, first);
    put_on_top(third, opaque);
    EXPECT_EQ(output_of(third), ".cache\nnew\n");
    EXPECT_TRUE(nothing_was_written());
    EXPECT_EQ(cached("a/x"), "2\n");
}

TEST_P(CacheMountsTest, LeaveTheDirectoriesOnTheWayAsTheyAre) {
    const std::string look = "stat -c '%a %u %g %Y' / /app /app/x";
    const auto layer =
        layer_of("mkdir -p /app/x; chmod 2751 /app; chmod 700 /app/x; touch -d @1000000000 /app");
    Spec plain = shell(look);
    put_on_top(plain, layer);
    const std::string before = output_of(plain);
    Spec spec = with_caches(look, {"/app/x/y/z"});
    put_on_top(spec, layer);
    // The root directory's own time is that of the changes.
    const std::string with_cache = output_of(spec);
    EXPECT_EQ(with_cache.substr(with_cache.find('\n')), before.substr(before.find('\n')));
    EXPECT_TRUE(nothing_was_written());
}

TEST_P(CacheMountsTest, MayBeInOneAnotherAndInTmp) {
    output_of(
        with_caches("echo 1 > /c/x; echo 2 > /c/d/e/x; echo 3 > /tmp/f/g/x; echo 4 > /run/x/y",
                    {"/c/d/e", "/c", "/tmp/f/g", "/run/x"}));
    EXPECT_EQ(cached("b/x"), "1\n");
    EXPECT_EQ(cached("a/x"), "2\n");
    EXPECT_EQ(cached("c/x"), "3\n");
    EXPECT_EQ(cached("d/y"), "4\n");
    EXPECT_TRUE(nothing_was_written());
}

TEST_P(CacheMountsTest, MayBeInOneAnotherInTmpWhateverTheImageHasThere) {
    Spec spec = with_caches("echo 1 > /tmp/c/d/x", {"/tmp/c", "/tmp/c/d"});
    std::filesystem::create_directories(m_dir / "top/tmp");
    std::filesystem::create_directory_symlink("/var", m_dir / "top/tmp/c");
    put_on_top(spec, m_dir / "top");
    output_of(spec);
    EXPECT_EQ(cached("b/x"), "1\n");
    EXPECT_TRUE(nothing_was_written());
    EXPECT_TRUE(
        contains(error_of([&] { output_of(with_caches("true", {"/run/mstage/x"})); }).message(),
                 "cache '/run/mstage/x' leads to '/run/mstage/x', which is the sandbox's own"));
}

TEST_P(CacheMountsTest, FollowLinksInsideOfTheImageOnly) {
    const auto layer = layer_of(
        "ln -s /var /link; ln -s ../../../../run /up; ln -s /proc /p; ln -s /none /n; "
        "echo > /file");
    const auto run = [&](const std::string& text, const std::string& place) {
        Spec spec = with_caches(text, {place});
        put_on_top(spec, layer);
        return output_of(spec);
    };
    EXPECT_EQ(run("echo 1 > /var/c/x; cat /link/c/x", "/link/c"), "1\n");
    EXPECT_EQ(run("cat /run/c/x", "/up/c"), "1\n");
    const auto message = [&](const std::string& place) {
        return error_of([&] { run("true", place); }).message();
    };
    EXPECT_EQ(message("/p/sys"), "cache '/p/sys' leads to '/proc/sys', which is the sandbox's own");
    EXPECT_TRUE(
        contains(message("/n/c"), "'/n' in the image is a link that leads to no directory"));
    EXPECT_TRUE(contains(message("/file/c"), "'/file' in the image is no directory"));
}

TEST_P(CacheMountsTest, BelongToTheFirstUser) {
    if (m_ids.mode == IdMode::single) {
        GTEST_SKIP() << "there is only root";
    }
    Spec spec =
        with_caches("stat -c '%u:%g:%a' /home/u/c /home/u; echo x > /home/u/c/x", {"/home/u/c"});
    spec.user = "12:34";
    EXPECT_EQ(output_of(spec), "12:34:755\n12:34:755\n");
    EXPECT_TRUE(nothing_was_written());
    EXPECT_EQ(output_of(with_caches("stat -c '%u' /c /c/x", {"/c"})), "12\n12\n");
}

}  // namespace
}  // namespace mstage::sandbox
