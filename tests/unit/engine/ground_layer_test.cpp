// The lowest layer of a root, made once and shared.

#include "engine/local/ground_layer.hpp"

#include <sys/stat.h>

#include "engine_fixture.hpp"

namespace mstage::engine {
namespace {

namespace fs = std::filesystem;

class GroundLayerTest : public EngineTest {
protected:
    fs::path place_of(const GroundLayer& ground) {
        const store::WorkDir work = m_store.make_work_dir();
        return ground.place_in(m_store, work.path());
    }
    static mode_t mode_of(const fs::path& path) {
        struct stat info {};
        EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
        return info.st_mode & 07777;
    }

    store::Store m_store{m_dir / "store", [](const fs::path& path) { remove_tree(path); }};
};

TEST_F(GroundLayerTest, HoldsWhatWasAddedWhateverTheUmask) {
    GroundLayer ground;
    ground.add_directory("tmp", 01777);
    ground.add_directory("etc", 0755);
    ground.add_file("etc/hosts", "127.0.0.1 localhost\n");
    ground.add_symlink("bin", "usr/bin");
    const mode_t before = ::umask(077);
    const fs::path place = place_of(ground);
    ::umask(before);
    EXPECT_EQ(mode_of(place), 0755U);
    EXPECT_EQ(mode_of(place / "tmp"), 01777U);
    EXPECT_EQ(mode_of(place / "etc/hosts"), 0644U);
    EXPECT_EQ(read_file(place / "etc/hosts"), "127.0.0.1 localhost\n");
    EXPECT_EQ(fs::read_symlink(place / "bin"), "usr/bin");
}

TEST_F(GroundLayerTest, IsMadeOnce) {
    GroundLayer ground;
    ground.add_directory("etc", 0755);
    const fs::path place = place_of(ground);
    const auto made = fs::last_write_time(place);
    EXPECT_EQ(place_of(ground), place);
    EXPECT_EQ(fs::last_write_time(place), made);
    EXPECT_EQ(entries_in("grounds"), 1U);
}

TEST_F(GroundLayerTest, DiffersWithAnythingInIt) {
    GroundLayer plain;
    plain.add_file("hosts", "a");
    GroundLayer other;
    other.add_file("hosts", "b");
    EXPECT_NE(place_of(plain), place_of(other));
    GroundLayer open;
    open.add_directory("root", 0755);
    GroundLayer closed;
    closed.add_directory("root", 0700);
    EXPECT_NE(place_of(open), place_of(closed));
}

TEST_F(GroundLayerTest, IsSharedByRunsAndUnchangedByThem) {
    output_of(base(), "ls -la / && echo x > /etc/hosts && rmdir /root && chmod 700 /tmp");
    ASSERT_EQ(entries_in("grounds"), 1U);
    EXPECT_EQ(output_of(base(), "cat /etc/hosts && ls -d /root"),
              "127.0.0.1\tlocalhost\n::1\tlocalhost\n/root\n");
    EXPECT_EQ(entries_in("grounds"), 1U);
}

TEST_F(GroundLayerTest, IsMadeAgainWhenItWasRemoved) {
    output_of(base(), "true");
    remove_tree(m_dir / "store/grounds");
    EXPECT_EQ(output_of(base(), "ls -d /proc/self"), "/proc/self\n");
}

}  // namespace
}  // namespace mstage::engine
