#include "sandbox/system_places.hpp"

#include "base/file.hpp"
#include "support.hpp"

namespace mstage::sandbox {
namespace {

namespace fs = std::filesystem;

TEST(WritableProcPlaces, AreThoseWhereRootAloneMayWrite) {
    const test::TempDir proc;
    const auto add = [&](const char* path, fs::perms mode) {
        make_directories((proc / path).parent_path());
        write_file_atomically(proc / path, "");
        fs::permissions(proc / path, mode);
    };
    const auto settable = fs::perms(0644);
    add("sys/kernel/x", fs::perms(0444));
    add("mtrr", settable);
    add("dynamic_debug/control", settable);
    add("asound/card0/deep/x", settable);
    add("cpuinfo", fs::perms(0444));
    add("tty/drivers", fs::perms(0444));
    add("pressure/io", fs::perms(0666));
    add("1/comm", settable);
    add("4711/comm", settable);
    // bwrap's own business.
    add("irq/0/smp_affinity", settable);
    fs::create_directory_symlink("1", proc / "self");
    EXPECT_EQ(writable_proc_places(proc.path()),
              (std::vector<std::string>{"asound", "dynamic_debug", "mtrr", "sys"}));
}

}  // namespace
}  // namespace mstage::sandbox
