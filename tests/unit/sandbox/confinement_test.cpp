// What a command cannot reach.

#include <fcntl.h>
#include <sys/utsname.h>

#include "base/text.hpp"
#include "sandbox_fixture.hpp"

namespace mstage::sandbox {
namespace {

using test::contains;

class ConfinementTest : public SandboxModesTest {
protected:
    std::string status_field(const std::string& name) {
        for (const std::string& line :
             split(output_of(spec_of({"/bin/cat", "/proc/self/status"})), '\n')) {
            if (line.starts_with(name + ":\t")) {
                return line.substr(name.size() + 2);
            }
        }
        return "none";
    }
};
INSTANTIATE_TEST_SUITE_P(Modes, ConfinementTest, ::testing::ValuesIn(possible_id_maps()),
                         name_of_mode);

TEST_P(ConfinementTest, SeesItsOwnProcessesOnly) {
    EXPECT_EQ(output_of(shell("cd /proc; n=0; for p in [0-9]*; do n=$((n+1)); done; echo $n")),
              "2\n")
        << "bwrap's process 1 and the shell";
    EXPECT_EQ(output_of(shell("kill -0 1 && echo mine")), "mine\n");
}

TEST_P(ConfinementTest, HasFewDevices) {
    EXPECT_EQ(output_of(spec_of({"/bin/ls", "/dev"})),
              "core\nfd\nfull\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nz"
              "ero\n");
}

TEST_P(ConfinementTest, SeesNothingOfTheHardware) {
    EXPECT_EQ(output_of(spec_of({"/bin/ls", "/sys"})), "");
    EXPECT_NE(run_spec(shell("echo x > /sys/x")).outcome.code, 0);
}

TEST_P(ConfinementTest, MayWriteToItsOwnPlaceBelowProc) {
    EXPECT_EQ(output_of(shell("echo x > /proc/self/comm && echo own")), "own\n");
}

TEST_P(ConfinementTest, CannotChangeTheMachinesDevices) {
    EXPECT_NE(run_spec(shell("chmod 600 /dev/null")).outcome.code, 0);
    EXPECT_EQ(output_of(shell("echo x > /dev/null && echo usable")), "usable\n");
    // The mode that it has: a failing test is not to change the machine.
    const Fd null = open_fd("/dev/null", O_RDONLY);
    for (const int input : {-1, null.get()}) {
        Spec spec = shell("chmod 666 /proc/self/fd/0 2>&1");
        spec.stdin_fd = input;
        const Ran ran = run_spec(spec);
        EXPECT_NE(ran.outcome.code, 0);
        EXPECT_TRUE(contains(ran.out, "Read-only file system")) << ran.out;
    }
}

TEST_P(ConfinementTest, ShowsFilesToEverybodyAndToRead) {
    write_file_atomically(m_dir / "shown.pem", "text\n");
    Spec spec = shell(
        "cat /run/a/b/shown.pem; stat -c %a /run/a /run/a/b; "
        "echo x 2>/dev/null >> /run/a/b/shown.pem || echo read-only");
    spec.files = {{m_dir / "shown.pem", "/run/a/b/shown.pem"}};
    EXPECT_EQ(output_of(spec), "text\n755\n755\nread-only\n");
}

TEST_P(ConfinementTest, HasNoMountWithSetuidPrograms) {
    for (const std::string& line : split(output_of(shell("cat /proc/self/mounts")), '\n')) {
        EXPECT_TRUE(line.empty() || contains(line, "nosuid")) << line;
    }
}

TEST_P(ConfinementTest, HasOnlyTheCapabilitiesOfPackageManagers) {
    constexpr std::uint64_t k_allowed = 1U << 0 | 1U << 1 | 1U << 3 | 1U << 4 | 1U << 5 | 1U << 6 |
                                        1U << 7 | 1U << 10 | 1U << 18 | 1U << 31;
    // The bounding set may hold more: with no_new_privs no program gets anything out of it.
    for (const char* set : {"CapEff", "CapPrm", "CapInh", "CapAmb"}) {
        EXPECT_EQ(std::stoull(status_field(set), nullptr, 16) & ~k_allowed, 0U) << set;
    }
    EXPECT_EQ(output_of(probe("mount")), "EPERM\n");
}

TEST_P(ConfinementTest, CanGainNothingByRunningPrograms) {
    EXPECT_EQ(status_field("NoNewPrivs"), "1");
    EXPECT_EQ(status_field("Seccomp"), "2");
}

TEST_P(ConfinementTest, CannotTypeIntoATerminal) {
    for (const char* way : {"type", "type-wide", "type-console"}) {
        EXPECT_EQ(output_of(probe(way)), "EPERM\n") << way;
    }
}

TEST_P(ConfinementTest, HasNoControllingTerminal) {
    EXPECT_EQ(output_of(shell("echo x 2>/dev/null > /dev/tty && echo has || echo none")), "none\n");
}

TEST_P(ConfinementTest, CannotUseWhatNoNamespaceCovers) {
    EXPECT_EQ(output_of(probe("keyctl")), "EPERM\n");
    EXPECT_EQ(output_of(probe("bpf")), "EPERM\n");
    EXPECT_EQ(output_of(probe("io_uring")), "ENOSYS\n") << "programs do without it then";
}

TEST_P(ConfinementTest, HasItsOwnHostName) {
    EXPECT_EQ(output_of(spec_of({"/bin/uname", "-n"})), "mstage\n");
    utsname here{};
    ASSERT_EQ(::uname(&here), 0);
    EXPECT_EQ(output_of(spec_of({"/bin/uname", "-r"})), std::string(here.release) + "\n");
}

TEST_P(ConfinementTest, HasOnlyALoopWithoutNetwork) {
    Spec spec = shell("cat /proc/self/net/dev");
    spec.network = Network::off;
    std::vector<std::string> interfaces;
    for (const std::string& line : split(output_of(spec), '\n')) {
        if (const size_t colon = line.find(':'); colon != std::string::npos) {
            interfaces.push_back(
                line.substr(line.find_first_not_of(' '), colon - line.find_first_not_of(' ')));
        }
    }
    // Modules of the machine may add devices that lead nowhere (sit0, tunl0) to every new namespace.
    ASSERT_FALSE(interfaces.empty());
    EXPECT_EQ(interfaces.front(), "lo");
    Spec routes = shell("cat /proc/self/net/route");
    routes.network = Network::off;
    EXPECT_EQ(split(output_of(routes), '\n').size(), 2U) << "the heading alone";
}

TEST_P(ConfinementTest, SharesTheMachinesNetworkOtherwise) {
    EXPECT_EQ(output_of(spec_of({"/bin/readlink", "/proc/self/ns/net"})),
              std::filesystem::read_symlink("/proc/self/ns/net").native() + "\n");
}

TEST_P(ConfinementTest, ShowsTheResolverReadOnly) {
    write_file_atomically(m_dir / "resolv.conf", "nameserver 192.0.2.1\n");
    Spec spec =
        shell("cat /etc/resolv.conf; echo x 2>/dev/null >> /etc/resolv.conf || echo read-only");
    spec.resolv_conf = m_dir / "resolv.conf";
    std::filesystem::create_directories(m_dir / "ground/etc");
    write_file_atomically(m_dir / "ground/etc/resolv.conf", "");
    spec.root.overlays.front().lowers.push_back(m_dir / "ground");
    EXPECT_EQ(output_of(spec), "nameserver 192.0.2.1\nread-only\n");
    EXPECT_EQ(read_file(m_dir / "resolv.conf"), "nameserver 192.0.2.1\n");
}

TEST_P(ConfinementTest, LeavesNoResolvConfInALayerWhoseImageHasNone) {
    write_file_atomically(m_dir / "resolv.conf", "nameserver 192.0.2.1\n");
    output_of(shell("chmod 751 /etc; touch -d @1000000000 /etc"));
    const std::filesystem::path layer = upper();
    Spec spec = shell("cat /etc/resolv.conf; stat -c '%a %Y' /etc; echo x > /root/x");
    spec.resolv_conf = m_dir / "resolv.conf";
    spec.scratch = m_dir / fmt::format("runs/{}/scratch", m_count);
    auto& lowers = spec.root.overlays.front().lowers;
    lowers.insert(lowers.begin(), layer);
    EXPECT_EQ(output_of(spec), "nameserver 192.0.2.1\n751 1000000000\n");
    EXPECT_FALSE(std::filesystem::exists(upper() / "etc"));
    EXPECT_EQ(read_file(upper() / "root/x"), "x\n");
}

TEST_P(ConfinementTest, FollowsNoResolvConfToFilesOfItsOwn) {
    write_file_atomically(m_dir / "resolv.conf", "nameserver 192.0.2.1\n");
    write_file_atomically(m_dir / "authorities", "mine\n");
    std::filesystem::create_directories(m_dir / "top/etc");
    std::filesystem::create_symlink("../run/mstage/authorities-0.pem",
                                    m_dir / "top/etc/resolv.conf");
    Spec spec = shell("cat /run/mstage/authorities-0.pem");
    spec.resolv_conf = m_dir / "resolv.conf";
    spec.files = {{m_dir / "authorities", "/run/mstage/authorities-0.pem"}};
    auto& lowers = spec.root.overlays.front().lowers;
    lowers.insert(lowers.begin(), m_dir / "top");
    EXPECT_EQ(output_of(spec), "mine\n");
}

TEST_P(ConfinementTest, FollowsNoResolvConfToASecret) {
    write_file_atomically(m_dir / "resolv.conf", "nameserver 192.0.2.1\n");
    std::filesystem::create_directories(m_dir / "top/etc");
    std::filesystem::create_symlink("../run/secrets/token", m_dir / "top/etc/resolv.conf");
    Spec spec = shell("cat /run/secrets/token; ls -A /run/secrets");
    spec.resolv_conf = m_dir / "resolv.conf";
    spec.secrets = {{.id = "token", .value = "a secret value\n"}};
    auto& lowers = spec.root.overlays.front().lowers;
    lowers.insert(lowers.begin(), m_dir / "top");
    EXPECT_EQ(output_of(spec), "a secret value\ntoken\n");
}

TEST_P(ConfinementTest, IsRootOfItsOwnFiles) {
    EXPECT_EQ(output_of(shell("id -u; id -g")), "0\n0\n");
    const std::string output = output_of(
        shell("echo x > /root/mine; /bin/mstage_sandbox_probe chown; stat -c %u:%g /root/mine"));
    EXPECT_EQ(output, m_ids.mode == IdMode::single ? "ok\n0:0\n" : "ok\n7:7\n")
        << "where it can't be done it looks as if";
}

TEST_P(ConfinementTest, CannotReadWhatOnlyTheCallersGroupsMay) {
    EXPECT_FALSE(contains(output_of(spec_of({"/bin/id", "-G"})), "100000"));
    if (m_ids.mode != IdMode::single) {
        EXPECT_EQ(output_of(spec_of({"/bin/id", "-G"})), "0\n");
    }
}

}  // namespace
}  // namespace mstage::sandbox
