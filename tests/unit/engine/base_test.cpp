// What a pipeline can start from.

#include "engine_fixture.hpp"

namespace mstage::engine {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::error_of;

class BaseTest : public EngineTest {
protected:
    std::string error_for(const std::string& reference) {
        return error_of<Error>([&] { m_engine.base(reference, Refresh::no); }).message();
    }
};

TEST_F(BaseTest, IsImportedOnceAndThenReused) {
    const Base first = m_engine.base(base_reference(), Refresh::no);
    EXPECT_TRUE(first.imported);
    ASSERT_EQ(first.watched.size(), 1U);
    EXPECT_EQ(read_file(first.watched.front()), first.image.str() + "\n");
    const Base second = m_engine.base(base_reference(), Refresh::no);
    EXPECT_FALSE(second.imported);
    EXPECT_EQ(second.image, first.image);
    EXPECT_EQ(m_engine.image(first.image).origin, "import " + base_reference());
}

TEST_F(BaseTest, IsANewImageAfterARefresh) {
    test::make_tiny_rootfs(m_dir / "tree");
    const std::string reference = "rootfs:" + (m_dir / "tree").native();
    const ImageId first = m_engine.base(reference, Refresh::no).image;
    write_file_atomically(m_dir / "tree/new", "x");
    EXPECT_EQ(m_engine.base(reference, Refresh::no).image, first);
    const ImageId second = m_engine.base(reference, Refresh::yes).image;
    EXPECT_NE(second, first);
    EXPECT_EQ(content_of(second, "/new"), "x");
    EXPECT_EQ(m_engine.base(reference, Refresh::no).image, second);
    EXPECT_EQ(m_engine.image(first).id, first) << "what is built on it stays good";
}

TEST_F(BaseTest, IsImportedAgainWhenTheStoreLostIt) {
    const ImageId first = base();
    fs::remove(m_engine.witness(first));
    const Base second = m_engine.base(base_reference(), Refresh::no);
    EXPECT_TRUE(second.imported);
    EXPECT_NE(second.image, first);
}

TEST_F(BaseTest, CanBeATagOrAnId) {
    const ImageId image = base();
    m_engine.set_tag("mine", image);
    const Base by_tag = m_engine.base("tag:mine", Refresh::no);
    EXPECT_EQ(by_tag.image, image);
    ASSERT_EQ(by_tag.watched.size(), 1U);
    EXPECT_TRUE(fs::exists(by_tag.watched.front()));
    EXPECT_EQ(m_engine.base(image.str(), Refresh::no).image, image);
    EXPECT_TRUE(contains(error_for("tag:none"), "tag 'none' is not in store"));
    const std::string unknown = ImageId::generate().str();
    EXPECT_TRUE(contains(error_for(unknown), unknown));
}

TEST_F(BaseTest, OfAnUnknownKindNamesTheKnownOnes) {
    const auto error = error_of<UsageError>([&] { m_engine.base("floppy:a", Refresh::no); });
    EXPECT_TRUE(contains(error.message(), "'floppy:a' is of no known kind")) << error.message();
    for (const char* kind : {"host", "tag:NAME", "debian:", "rootfs:"}) {
        EXPECT_TRUE(contains(error.hint(), kind)) << error.hint();
    }
}

TEST_F(BaseTest, RootfsNeedsAnAbsolutePathThatExists) {
    error_of<UsageError>([&] { m_engine.base("rootfs:tree", Refresh::no); });
    error_of<UsageError>([&] { m_engine.base("rootfs:", Refresh::no); });
    EXPECT_TRUE(contains(error_for("rootfs:/nonexistent"), "/nonexistent"));
    EXPECT_EQ(entries_in("layers"), 0U);
    EXPECT_EQ(entries_in("tmp"), 0U) << "nothing half-done stays";
}

TEST_F(BaseTest, RootfsThatIsNoTreeIsRefused) {
    write_file_atomically(m_dir / "f.tar", "this is no archive");
    EXPECT_TRUE(contains(error_for("rootfs:" + (m_dir / "f.tar").native()), "importing 'rootfs:"));
}

TEST_F(BaseTest, DebianNeedsASuiteAndNamesOfPackages) {
    for (const char* reference :
         {"debian:", "debian:--help", "debian:Book worm", "debian:+gcc", "debian:/etc"}) {
        EXPECT_TRUE(
            contains(error_of<UsageError>([&] { m_engine.base(reference, Refresh::no); }).message(),
                     "does not name a suite"))
            << reference;
    }
    for (const char* package : {"--hook", "a b", "a,b", "a/b", "?x", "A"}) {
        EXPECT_TRUE(contains(error_of<UsageError>([&] {
                                 m_engine.base(fmt::format("debian:bookworm+gcc+{}", package),
                                               Refresh::no);
                             }).message(),
                             fmt::format("'{}' is not the name of a package", package)))
            << package;
    }
    // The one behind it is the first that is wrong.
    for (const char* package : {"g++", "libsigc++-2.0-dev"}) {
        EXPECT_TRUE(contains(error_of<UsageError>([&] {
                                 m_engine.base(fmt::format("debian:bookworm+{}+No", package),
                                               Refresh::no);
                             }).message(),
                             "'No' is not the name of a package"))
            << package;
    }
}

TEST_F(BaseTest, HostIsTheMachineWithoutItsHomes) {
    const Base host = m_engine.base("host", Refresh::no);
    EXPECT_TRUE(host.imported);
    EXPECT_EQ(m_engine.base("host", Refresh::no).image, host.image);
    EXPECT_EQ(output_of(host.image, "test -e /usr/bin/env && ls -A /home"), "");
}

TEST_F(BaseTest, HostIsNotWrittenTo) {
    const ImageId host = m_engine.base("host", Refresh::no).image;
    const std::string name = "mstage-test-" + m_dir.path().filename().native();
    const RunResult result =
        m_engine.run(shell(host, "echo x > /etc/" + name + "; echo x > /srv/f"));
    EXPECT_FALSE(fs::exists("/etc/" + name));
    EXPECT_FALSE(fs::exists("/srv/f-" + name));
    if (m_ids.mode == sandbox::IdMode::identity) {
        ASSERT_TRUE(result.result_image);
        EXPECT_EQ(content_of(*result.result_image, "/etc/" + name), "x\n");
        EXPECT_EQ(content_of(*result.result_image, "/srv/f"), "x\n");
    }
}

TEST_F(BaseTest, CannotBeAFailedState) {
    const ImageId failed =
        m_engine.run(shell(base(), "echo x > /root/f; exit 3")).failed_state.value();
    m_engine.set_tag("failed", failed);
    for (const std::string& reference : {failed.str(), std::string("tag:failed")}) {
        const Error error = error_of([&] { m_engine.base(reference, Refresh::no); });
        EXPECT_EQ(
            error.message(),
            fmt::format("image '{}' is a failed state: nothing can be based on it", failed.str()));
    }
}

}  // namespace
}  // namespace mstage::engine
