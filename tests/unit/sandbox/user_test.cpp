// Who a user's name stands for in an image, and being him.

#include "sandbox/user.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "sandbox_fixture.hpp"

namespace mstage::sandbox {
namespace {

using test::contains;
using test::error_of;

const IdMap k_everybody = {IdMode::identity, {{0, 0, 4294967295U}}, {{0, 0, 4294967295U}}};
const IdMap k_few = {IdMode::ranges, {{0, 1000, 1}, {1, 100000, 999}}, {{0, 1000, 1}, {1, 1, 999}}};
const IdMap k_one = {IdMode::single, {{0, 1000, 1}}, {{0, 1000, 1}}};

class FindUserTest : public ::testing::Test {
protected:
    FindUserTest() {
        std::filesystem::create_directory(m_dir / "etc");
        write_file_atomically(m_dir / "etc/passwd",
                              "root:x:0:0:root:/root:/bin/sh\n"
                              "garbage\n"
                              "builder:x:1000:100:A Builder:/home/builder:/bin/sh\n"
                              "bare:x:7:7:::\n"
                              "42:x:43:43::/forty-three:\n");
        write_file_atomically(m_dir / "etc/group",
                              "root:x:0:\nusers:x:100:\naudio:x:29:other,builder\n"
                              "video:x:44:builder\nroots:x:5:root\n");
    }
    User find(const std::string& text, const IdMap& ids = k_everybody) const {
        const Fd root = open_fd(m_dir.path(), O_PATH | O_DIRECTORY);
        return find_user(root.get(), text, ids, "image 'x'");
    }
    std::string message_for(const std::string& text, const IdMap& ids = k_everybody) const {
        return error_of([&] { find(text, ids); }).message();
    }

    test::TempDir m_dir;
};

TEST_F(FindUserTest, ByNameOrNumberWithHisGroups) {
    const User builder = {
        .uid = 1000, .gid = 100, .groups = {29, 44, 100}, .home = "/home/builder"};
    EXPECT_EQ(find("builder"), builder);
    EXPECT_EQ(find("1000"), builder);
    EXPECT_EQ(find("bare"), (User{.uid = 7, .gid = 7, .groups = {7}, .home = "/"}));
    EXPECT_EQ(find("42").uid, 43U) << "a name goes before a number";
}

TEST_F(FindUserTest, WithAGroupThereIsNoOther) {
    const User expected = {.uid = 1000, .gid = 44, .groups = {44}, .home = "/home/builder"};
    EXPECT_EQ(find("builder:video"), expected);
    EXPECT_EQ(find("1000:44"), expected);
    EXPECT_EQ(find("builder:12345").gid, 12345U);
}

TEST_F(FindUserTest, NumbersNeedNoEntry) {
    EXPECT_EQ(find("5000"), (User{.uid = 5000, .gid = 0, .groups = {0}, .home = "/"}));
    std::filesystem::remove_all(m_dir / "etc");
    EXPECT_EQ(find("1000:7"), (User{.uid = 1000, .gid = 7, .groups = {7}, .home = "/"}));
    EXPECT_EQ(message_for("root"), "image 'x' has no user 'root'");
}

TEST_F(FindUserTest, RootMayBeInOtherGroups) {
    EXPECT_FALSE(find("root").is_plain_root());
    EXPECT_TRUE(find("root:root").is_plain_root());
    EXPECT_TRUE(find("0:0").is_plain_root());
    EXPECT_TRUE(User{}.is_plain_root());
    EXPECT_FALSE(find("root:users").is_plain_root());
}

TEST_F(FindUserTest, SaysWhoIsMissing) {
    EXPECT_EQ(message_for("nobody"), "image 'x' has no user 'nobody'");
    EXPECT_EQ(message_for("builder:none"), "image 'x' has no group 'none'");
    EXPECT_EQ(message_for("4294967295"), "image 'x' has no user '4294967295'");
    EXPECT_EQ(message_for("-1"), "image 'x' has no user '-1'");
}

TEST_F(FindUserTest, OnlyWithIdsThatAreMapped) {
    EXPECT_EQ(find("7", k_few).uid, 7U);
    EXPECT_TRUE(contains(message_for("1000", k_few), "user '1000' of image 'x' has an id that"));
    EXPECT_TRUE(contains(message_for("7:5000", k_few), "user 7, group 5000"));
    EXPECT_TRUE(contains(message_for("builder", k_one), "only as root"));
    EXPECT_TRUE(find("root", k_one).is_plain_root());
}

TEST_F(FindUserTest, ReadsOnlyWhatIsInTheImage) {
    const auto passwd = m_dir / "etc/passwd";
    std::filesystem::rename(passwd, m_dir / "elsewhere");
    std::filesystem::create_symlink("/elsewhere", passwd);
    EXPECT_EQ(find("builder").uid, 1000U) << "absolute links start at the image's root";
    std::filesystem::remove(passwd);
    std::filesystem::create_symlink("../../../../../../../../etc/passwd", passwd);
    EXPECT_EQ(message_for("root"), "image 'x' has no user 'root'");
    std::filesystem::remove(passwd);
    ASSERT_EQ(::mkfifo(passwd.c_str(), 0644), 0);
    EXPECT_EQ(message_for("root"), "image 'x' has no user 'root'") << "and waits for nobody";
}

TEST(UserText, HasOneOfFourForms) {
    for (const char* good : {"a", "0", "a:b", "1:2", "_apt", "www-data", "a.b:c-d"}) {
        EXPECT_NO_THROW(check_user_text(good)) << good;
    }
    for (const char* bad : {"", ":", "a:", ":b", "a:b:c", "a b", "a\n", "a/b", "a,b"}) {
        EXPECT_THROW(check_user_text(bad), UsageError) << bad;
    }
}

/// Commands as a user; the tiny image knows root only.
class UserRunTest : public SandboxModesTest {
protected:
    Spec as_user(const std::string& user, const std::string& text) {
        Spec spec = shell(text);
        spec.user = user;
        spec.scratch = m_dir / fmt::format("scratch{}", m_count);
        return spec;
    }
    void SetUp() override {
        SandboxModesTest::SetUp();
        if (m_ids.mode == IdMode::single) {
            GTEST_SKIP() << "there is only root";
        }
    }
};
INSTANTIATE_TEST_SUITE_P(Modes, UserRunTest, ::testing::ValuesIn(possible_id_maps()), name_of_mode);

TEST_P(UserRunTest, HasTheIdsAndNoPowers) {
    EXPECT_EQ(output_of(as_user("12:34", "id -u; id -g; id -G; echo $HOME")), "12\n34\n34\n/\n");
    EXPECT_EQ(output_of(as_user("12",
                                "while read a b; do case $a in Cap[IPEA]*) echo $b;; "
                                "NoNew*) echo $b; esac; done < /proc/self/status")),
              "0000000000000000\n0000000000000000\n0000000000000000\n0000000000000000\n1\n");
    EXPECT_NE(run_spec(as_user("12", "echo x > /root/x")).outcome.code, 0);
    EXPECT_NE(run_spec(as_user("12", "chown 0 /tmp")).outcome.code, 0);
}

TEST_P(UserRunTest, FindsWhatEverybodyMayWrite) {
    EXPECT_EQ(output_of(as_user("12",
                                "echo 1 > /tmp/x && echo 2 > /dev/shm/x && cat /tmp/x "
                                "/dev/shm/x && echo 3 > /dev/stdout && echo 4 > /dev/stderr")),
              "1\n2\n3\n4\n");
}

TEST_P(UserRunTest, KeepsAHomeThatIsGiven) {
    Spec spec = as_user("12", "echo $HOME");
    spec.environment["HOME"] = "/mine";
    EXPECT_EQ(output_of(spec), "/mine\n");
    EXPECT_EQ(output_of(shell("echo $HOME")), "/root\n");
    EXPECT_EQ(output_of(as_user("root", "echo $HOME; id -u")), "/root\n0\n");
}

TEST_P(UserRunTest, LeavesFilesOfHis) {
    output_of(as_user("12:34", "echo x > /tmp/x; id -u"));
    Spec spec = as_user("12:34", "echo x > /mine/x; stat -c '%u:%g' /mine/x");
    Spec maker = shell("mkdir /mine; chown 12:34 /mine");
    output_of(maker);
    spec.root.overlays[0].lowers.insert(spec.root.overlays[0].lowers.begin(),
                                        maker.root.overlays[0].changes->upper);
    EXPECT_EQ(output_of(spec), "12:34\n");
}

TEST_P(UserRunTest, TellsHowTheCommandEnded) {
    EXPECT_EQ(run_spec(as_user("12", "exit 7")).outcome.code, 7);
    EXPECT_EQ(run_spec(as_user("12", "kill -9 $$")).outcome.code, 137);
    Spec spec = as_user("12", "");
    spec.argv = {"/etc/passwd"};
    EXPECT_EQ(run_spec(spec).outcome.code, 126) << "no program";
}

}  // namespace
}  // namespace mstage::sandbox
