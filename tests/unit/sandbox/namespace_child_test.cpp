#include "sandbox/user_namespace.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "support.hpp"

namespace mstage::sandbox {
namespace {

namespace fs = std::filesystem;
using Processes = NamespaceChild::Processes;

class NamespaceChildTest : public ::testing::Test {
protected:
    void SetUp() override {
        try {
            run_in_user_namespace(m_ids, [] {});
        } catch (const Unavailable& error) {
            test::skip_or_fail(error.message());
        }
    }

    const IdMap m_ids = detect_id_map();
    test::TempDir m_dir;
};

TEST_F(NamespaceChildTest, IsRootWithItsOwnMounts) {
    NamespaceChild child(m_ids, Processes::shared, [&] {
        if (::getuid() != 0 || ::getgid() != 0) {
            return 1;
        }
        const bool mounted = ::mount("none", m_dir.path().c_str(), "tmpfs", 0, nullptr) == 0;
        write_file_atomically(m_dir / "f", "x");
        return mounted ? 0 : 2;
    });
    EXPECT_EQ(child.wait().state.code, 0);
    EXPECT_FALSE(fs::exists(m_dir / "f")) << "the mount went with the child";
}

TEST_F(NamespaceChildTest, IsProcessOneWhenAsked) {
    NamespaceChild own(m_ids, Processes::own, [] { return ::getpid() == 1 ? 0 : 1; });
    EXPECT_EQ(own.wait().state.code, 0);
    NamespaceChild shared(m_ids, Processes::shared, [] { return ::getpid() == 1 ? 1 : 0; });
    EXPECT_EQ(shared.wait().state.code, 0);
}

TEST_F(NamespaceChildTest, HandsItsErrorOver) {
    NamespaceChild child(m_ids, Processes::shared,
                         []() -> int { throw with_hint(Error("no luck \xff"), "try again"); });
    const Error error = test::error_of([&] { child.wait(); });
    EXPECT_EQ(error.message(), "no luck \xef\xbf\xbd");
    EXPECT_EQ(error.hint(), "try again");
    NamespaceChild other(m_ids, Processes::shared,
                         []() -> int { throw std::out_of_range("far out"); });
    EXPECT_EQ(test::error_of([&] { other.wait(); }).message(), "far out");
}

TEST_F(NamespaceChildTest, DiesWithTheObject) {
    pid_t pid = 0;
    {
        const NamespaceChild child(m_ids, Processes::own, [&] {
            write_file_atomically(m_dir / "running", "");
            ::pause();
            return 0;
        });
        ASSERT_TRUE(test::eventually([&] { return fs::exists(m_dir / "running"); }));
        pid = child.pidfd();
    }
    EXPECT_EQ(::fcntl(pid, F_GETFD), -1);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "nobody is left to wait for";
}

TEST_F(NamespaceChildTest, DiesWithItsParentHoweverEarlyThatDies) {
    for (int round = 0; round < 60; ++round) {
        Pipe pipe = make_pipe();
        test::Process parent([&] {
            pipe.reader.close();
            NamespaceChild child(m_ids, Processes::own, [] {
                ::pause();
                return 0;
            });
            child.wait();
            return 0;
        });
        pipe.writer.close();
        ::usleep(static_cast<useconds_t>(round * 40));
        parent.kill(SIGKILL);
        parent.wait();
        // Whoever lives on holds the pipe.
        pollfd end{pipe.reader.get(), POLLIN, 0};
        ASSERT_EQ(::poll(&end, 1, 10'000), 1) << "after " << round * 40 << " us";
    }
}

TEST_F(NamespaceChildTest, TellsThatItWasKilled) {
    NamespaceChild child(m_ids, Processes::shared, [] {
        ::pause();
        return 0;
    });
    child.kill();
    EXPECT_EQ(child.wait().state.signal, SIGKILL);
}

TEST_F(NamespaceChildTest, RunsNoDestructorsOfItsParent) {
    struct Witness {
        fs::path path;
        ~Witness() { write_file_atomically(path, ""); }
    };
    {
        const Witness witness{m_dir / "destroyed"};
        run_in_user_namespace(m_ids, [] {});
        EXPECT_FALSE(fs::exists(m_dir / "destroyed"));
    }
    EXPECT_TRUE(fs::exists(m_dir / "destroyed"));
}

TEST_F(NamespaceChildTest, GivesTheIdsOfTheMap) {
    NamespaceChild child(m_ids, Processes::shared, [&] {
        write_file_atomically(m_dir / "mine", "");
        if (m_ids.mode != IdMode::single && ::chown((m_dir / "mine").c_str(), 7, 7) != 0) {
            return 1;
        }
        remove_tree(m_dir / "mine");
        return 0;
    });
    EXPECT_EQ(child.wait().state.code, 0);
}

TEST_F(NamespaceChildTest, CannotBeMadeWithAMapThatIsNotOurs) {
    if (m_ids.mode == IdMode::identity) {
        GTEST_SKIP() << "root may map everything";
    }
    const IdMap wrong = {IdMode::single, {{0, 0, 1}}, {{0, 0, 1}}};
    test::error_of<Unavailable>([&] { run_in_user_namespace(wrong, [] {}); });
}

}  // namespace
}  // namespace mstage::sandbox
