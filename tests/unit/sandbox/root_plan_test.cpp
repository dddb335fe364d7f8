#include "sandbox/root_plan.hpp"

#include <fcntl.h>

#include "sandbox_fixture.hpp"

namespace mstage::sandbox {
namespace {

namespace fs = std::filesystem;
using test::contains;

class RootPlanTest : public SandboxTest {
protected:
    /// Mounts the plan where only `body` sees it.
    void mounted(const RootPlan& plan, const std::function<void()>& body) const {
        run_in_user_namespace(m_ids, [&] {
            mount_root(plan);
            body();
        });
    }
    void write(const std::string& path, const std::string& content) const {
        make_directories((m_dir / path).parent_path());
        write_file_atomically(m_dir / path, content);
    }
    void expect(const fs::path& path, const std::string& content) const {
        if (const auto found = read_file_if_exists(path); found != content) {
            throw Error("'{}' holds '{}'", path.native(), found.value_or("(nothing)"));
        }
    }
    fs::path root() const { return m_dir / "root"; }
};

TEST_F(RootPlanTest, PutsTheFirstLowerOnTop) {
    write("a/f", "a");
    write("b/f", "b");
    write("b/g", "b");
    mounted({.mount_point = root(),
             .overlays = {{.at = "", .lowers = {m_dir / "a", m_dir / "b"}, .changes = {}}},
             .binds = {}},
            [&] {
                expect(root() / "f", "a");
                expect(root() / "g", "b");
            });
    EXPECT_TRUE(fs::is_empty(root())) << "the mount is gone";
}

TEST_F(RootPlanTest, MountsAHundredLowers) {
    fs::create_directory(m_dir / "upper");
    fs::create_directory(m_dir / "work");
    OverlayMount overlay{
        .at = "", .lowers = {}, .changes = OverlayUpper{m_dir / "upper", m_dir / "work"}};
    for (int number = 0; number < 100; ++number) {
        write(fmt::format("layer-{}/f{}", number, number), std::to_string(number));
        overlay.lowers.push_back(m_dir / fmt::format("layer-{}", number));
    }
    mounted({.mount_point = root(), .overlays = {overlay}, .binds = {}}, [&] {
        expect(root() / "f0", "0");
        expect(root() / "f99", "99");
        write_file_atomically(root() / "new", "new");
    });
    EXPECT_EQ(read_file(m_dir / "upper/new"), "new");
}

TEST_F(RootPlanTest, RefusesMoreLowersThanTheKernelTakes) {
    const OverlayMount overlay{
        .at = "", .lowers = std::vector<fs::path>(k_max_lowers + 1, m_dir / "a"), .changes = {}};
    const Error error = test::error_of(
        [&] { mount_root({.mount_point = root(), .overlays = {overlay}, .binds = {}}); });
    EXPECT_EQ(error.message(), "an image of 501 layers cannot be mounted, 500 is the most");
}

TEST_F(RootPlanTest, IsReadOnlyWithoutChanges) {
    write("a/f", "a");
    fs::create_directory(m_dir / "b");
    mounted({.mount_point = root(),
             .overlays = {{.at = "", .lowers = {m_dir / "a", m_dir / "b"}, .changes = {}}},
             .binds = {}},
            [&] {
                try {
                    write_file_atomically(root() / "g", "x");
                } catch (const SysError& error) {
                    if (error.number() == EROFS) {
                        return;
                    }
                    throw;
                }
                throw Error("it was written");
            });
    EXPECT_FALSE(fs::exists(m_dir / "a/g"));
}

TEST_F(RootPlanTest, TakesAwkwardNames) {
    for (const char* name : {"with space", "a:b", "a,b", "back\\slash", "quo\"te"}) {
        write(std::string(name) + "/f", name);
        fs::create_directory(m_dir / "other");
        mounted({.mount_point = root(),
                 .overlays = {{.at = "", .lowers = {m_dir / name, m_dir / "other"}, .changes = {}}},
                 .binds = {}},
                [&] { expect(root() / "f", name); });
        remove_tree(m_dir / "other");
    }
}

TEST_F(RootPlanTest, MountsOneOverlayBelowAnother) {
    write("a/etc/f", "root's");
    write("machine/f", "machine's");
    write("layer/g", "layer's");
    fs::create_directory(m_dir / "b");
    mounted(
        {.mount_point = root(),
         .overlays = {{.at = "", .lowers = {m_dir / "a", m_dir / "b"}, .changes = {}},
                      {.at = "etc", .lowers = {m_dir / "layer", m_dir / "machine"}, .changes = {}}},
         .binds = {}},
        [&] {
            expect(root() / "etc/f", "machine's");
            expect(root() / "etc/g", "layer's");
        });
}

TEST_F(RootPlanTest, ShowsADirectoryOfTheMachineReadOnly) {
    write("a/usr/f", "root's");
    write("machine/f", "machine's");
    fs::create_directory(m_dir / "b");
    mounted({.mount_point = root(),
             .overlays = {{.at = "", .lowers = {m_dir / "a", m_dir / "b"}, .changes = {}}},
             .binds = {{m_dir / "machine", "usr"}}},
            [&] {
                expect(root() / "usr/f", "machine's");
                if (::open((root() / "usr/g").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0) {
                    throw Error("it was written");
                }
            });
    EXPECT_FALSE(fs::exists(m_dir / "machine/g"));
}

TEST_F(RootPlanTest, SaysWhatIsMissing) {
    const RootPlan plan{
        .mount_point = root(),
        .overlays = {{.at = "", .lowers = {m_dir / "none", m_dir / "root"}, .changes = {}}},
        .binds = {}};
    const Error error = test::error_of([&] { mounted(plan, [] {}); });
    EXPECT_TRUE(contains(error.message(), (m_dir / "none").native())) << error.message();
    const RootPlan bind{.mount_point = root(), .overlays = {}, .binds = {{m_dir / "none", ""}}};
    EXPECT_TRUE(contains(test::error_of([&] { mounted(bind, [] {}); }).message(),
                         (m_dir / "none").native()));
}

}  // namespace
}  // namespace mstage::sandbox
