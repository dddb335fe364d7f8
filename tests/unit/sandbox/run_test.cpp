// What a command gets and what comes back of it.

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>

#include "base/fd.hpp"
#include "base/text.hpp"
#include "sandbox_fixture.hpp"

namespace mstage::sandbox {
namespace {

namespace fs = std::filesystem;
using test::contains;

class RunTest : public SandboxModesTest {};
INSTANTIATE_TEST_SUITE_P(Modes, RunTest, ::testing::ValuesIn(possible_id_maps()), name_of_mode);

TEST_P(RunTest, GivesTheExitCode) {
    EXPECT_EQ(run_spec(shell("exit 0")).outcome.code, 0);
    EXPECT_EQ(run_spec(shell("exit 3")).outcome.code, 3);
    EXPECT_EQ(run_spec(shell("exit 255")).outcome.code, 255);
    EXPECT_TRUE(run_spec(shell("true")).outcome.ok());
    EXPECT_FALSE(run_spec(shell("false")).outcome.ok());
}

TEST_P(RunTest, GivesTheSignalAsAShellDoes) {
    EXPECT_EQ(run_spec(probe("segfault")).outcome.code, 128 + SIGSEGV);
    EXPECT_EQ(run_spec(shell("kill -9 $$")).outcome.code, 128 + SIGKILL);
}

TEST_P(RunTest, KeepsStreamsApart) {
    const Ran ran = run_spec(shell("echo out; echo err >&2; echo out"), Streams::separate);
    EXPECT_EQ(ran.out, "out\nout\n");
    EXPECT_EQ(ran.err, "err\n");
}

TEST_P(RunTest, MergesStreamsInTheirOrder) {
    const Ran ran = run_spec(shell("echo 1; echo 2 >&2; echo 3; echo 4 >&2"), Streams::merged);
    EXPECT_EQ(ran.out, "1\n2\n3\n4\n");
    EXPECT_EQ(ran.err, "");
}

TEST_P(RunTest, PassesEveryByteOn) {
    EXPECT_EQ(run_spec(shell("printf 'a\\000b\\377\\n'")).out, std::string("a\0b\xff\n", 5));
    const Ran ran =
        run_spec(shell("head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2; printf end"),
                 Streams::separate);
    EXPECT_EQ(ran.out, std::string(1'000'000, '\0') + "end");
    EXPECT_EQ(ran.err, std::string(1'000'000, '\0'));
}

TEST_P(RunTest, GivesAnEmptyInputOrTheOneItIsTold) {
    EXPECT_EQ(output_of(shell("cat; echo end")), "end\n");
    const Fd input(::memfd_create("input", MFD_CLOEXEC));
    write_all(input.get(), "from outside");
    ::lseek(input.get(), 0, SEEK_SET);
    Spec spec = shell("cat");
    spec.stdin_fd = input.get();
    EXPECT_EQ(output_of(spec), "from outside");
}

TEST_P(RunTest, PassesALongFileOnAndLeavesWhatIsNotRead) {
    write_file_atomically(m_dir / "input", std::string(1'000'000, 'x'));
    const Fd input = open_fd(m_dir / "input", O_RDONLY);
    Spec spec = shell("head -c 700000 > /root/got; stat -c %s /root/got");
    spec.stdin_fd = input.get();
    EXPECT_EQ(output_of(spec), "700000\n");
    const off_t at = ::lseek(input.get(), 0, SEEK_CUR);
    EXPECT_GE(at, 700'000);
    EXPECT_LT(at, 710'000) << "head reads whole buffers";
    Spec rest = shell("cat > /root/got; stat -c %s /root/got");
    rest.stdin_fd = input.get();
    EXPECT_EQ(output_of(rest), std::to_string(1'000'000 - at) + "\n");
    Spec idle = shell("true");
    ::lseek(input.get(), 10, SEEK_SET);
    idle.stdin_fd = input.get();
    output_of(idle);
    EXPECT_EQ(::lseek(input.get(), 0, SEEK_CUR), 10);
}

TEST_P(RunTest, ShowsTheInputToNobodyButToRead) {
    write_file_atomically(m_dir / "input", "text\n");
    std::filesystem::permissions(m_dir / "input", std::filesystem::perms(0644));
    const Fd input = open_fd(m_dir / "input", O_RDWR);
    Spec spec = shell("chmod 600 /proc/self/fd/0; echo changed > /proc/self/fd/0; exit 0");
    spec.stdin_fd = input.get();
    run_spec(spec);
    EXPECT_EQ(read_file(m_dir / "input"), "text\n");
    EXPECT_EQ(std::filesystem::status(m_dir / "input").permissions(), std::filesystem::perms(0644));
}

TEST_P(RunTest, GivesNoDirectoryToLeaveBy) {
    const Fd input = open_fd("/", O_RDONLY | O_DIRECTORY);
    Spec spec = shell("true");
    spec.stdin_fd = input.get();
    EXPECT_EQ(test::error_of([&] { output_of(spec); }).message(), "stdin is a directory");
}

TEST_P(RunTest, TakesNoWordForTwo) {
    Spec spec = shell("true");
    spec.environment["A"] = std::string("x\0--bind\0/\0/mnt", 16);
    EXPECT_TRUE(contains(test::error_of([&] { output_of(spec); }).message(), "holds a NUL"));
}

TEST_P(RunTest, GivesExactlyTheEnvironment) {
    ::setenv("MSTAGE_TEST_LEAK", "1", 1);
    Spec spec = spec_of({"/bin/env"});
    spec.environment = {{"A", "with space"}, {"B", ""}, {"C", "x=y"}};
    std::vector<std::string> lines = split(output_of(spec), '\n');
    std::ranges::sort(lines);
    // HOME is the user's, and PWD comes from bwrap, which has changed the directory.
    EXPECT_EQ(lines,
              (std::vector<std::string>{"", "A=with space", "B=", "C=x=y", "HOME=/root", "PWD=/"}));
    ::unsetenv("MSTAGE_TEST_LEAK");
}

TEST_P(RunTest, LeavesNoDescriptorsToTheCommand) {
    const Fd careless(::open("/etc/passwd", O_RDONLY));
    const Fd with_high_number(::fcntl(careless.get(), F_DUPFD, 200));
    // ls has the directory itself open.
    EXPECT_EQ(output_of(spec_of({"/bin/ls", "/proc/self/fd"})), "0\n1\n2\n3\n");
}

TEST_P(RunTest, StartsInTheWorkingDirectory) {
    Spec spec = spec_of({"/bin/readlink", "/proc/self/cwd"});
    spec.workdir = "/var";
    EXPECT_EQ(output_of(spec), "/var\n");
}

TEST_P(RunTest, SaysAsItsOutputWhyTheCommandCannotBeStarted) {
    Spec spec = shell("true");
    spec.workdir = "/none";
    const Ran ran = run_spec(spec, Streams::separate);
    EXPECT_EQ(ran.outcome.code, 126);
    EXPECT_EQ(ran.err, "mstage: error: the image has no directory '/none' to work in\n");
    EXPECT_EQ(ran.out, "");
    EXPECT_EQ(run_spec(spec_of({"no-such-program"})).outcome.code, 127);
    EXPECT_EQ(run_spec(spec_of({"/etc/passwd"})).outcome.code, 126);
    spec = shell("true");
    spec.user = "nobody-here";
    EXPECT_EQ(run_spec(spec).outcome.code, 126);
}

TEST_P(RunTest, LetsTheKernelSayWhetherItStartsAForeignProgram) {
    std::string program = read_file("/proc/self/exe").substr(0, 4096);
    program[18] = 22;  // e_machine: EM_S390, which may have an emulator
    program[5] = 2;    // EI_DATA: big-endian, of which the version does not tell
    program[19] = 127;
    fs::create_directories(m_dir / "top/bin");
    write_file_atomically(m_dir / "top/bin/foreign", program);
    fs::permissions(m_dir / "top/bin/foreign", fs::perms(0755));
    Spec spec = spec_of({"foreign"});
    spec.scratch = m_dir / fmt::format("runs/{}/scratch", m_count);
    auto& lowers = spec.root.overlays.front().lowers;
    lowers.insert(lowers.begin(), m_dir / "top");
    const Ran ran = run_spec(spec, Streams::separate);
    EXPECT_EQ(ran.outcome.code, 126);
    EXPECT_TRUE(contains(ran.err,
                         "mstage: error: program '/bin/foreign' cannot be started: it is "
                         "for another kind of processor (number 5759)"))
        << ran.err;
    EXPECT_TRUE(fs::is_empty(upper()));
    spec = spec_of({"/proc/none"});
    spec.scratch = m_dir / fmt::format("runs/{}/scratch", m_count);
    const Ran nothing = run_spec(spec, Streams::separate);
    EXPECT_EQ(nothing.outcome.code, 127);
    EXPECT_EQ(nothing.err,
              "mstage: error: program '/proc/none' cannot be started: No such file or directory\n");
}

TEST_P(RunTest, WorksInADirectoryOfTmpThatNobodyMade) {
    Spec spec = spec_of({"/bin/readlink", "/proc/self/cwd"});
    spec.workdir = "/tmp/a/b";
    spec.missing_workdir = MissingWorkdir::made;
    EXPECT_EQ(output_of(spec), "/tmp/a/b\n");
    EXPECT_TRUE(fs::is_empty(upper()));
}

TEST_P(RunTest, IsAnErrorWhenAMountPointIsALink) {
    fs::create_directory(m_dir / "top");
    fs::create_directory_symlink("/tmp", m_dir / "top/dev");
    Spec spec = shell("true");
    auto& lowers = spec.root.overlays.front().lowers;
    lowers.insert(lowers.begin(), m_dir / "top");
    const Error error = test::error_of([&] { run_spec(spec); });
    EXPECT_TRUE(contains(error.message(), "'/dev' is not a directory")) << error.message();
}

TEST_P(RunTest, TellsWhatTheCommandUsed) {
    // Half a second of work, 30 MB of memory, 8 MB to the disk.
    const Usage usage = run_spec(shell("head -c 30000000 /dev/zero | { x=$(cat | head -c 1); }; "
                                       "dd if=/dev/zero of=/root/f bs=1M count=8 conv=fsync; "
                                       "dd if=/dev/zero of=/dev/null bs=30M count=9; sleep 0.2"))
                            .outcome.usage;
    EXPECT_GE(usage.wall, std::chrono::milliseconds(200));
    EXPECT_LT(usage.wall, std::chrono::seconds(60));
    EXPECT_GT(usage.user + usage.system, std::chrono::nanoseconds(0));
    EXPECT_LT(usage.user + usage.system, 2 * usage.wall + std::chrono::seconds(1));
    EXPECT_GT(usage.peak_memory, 30'000'000U);
    EXPECT_LT(usage.peak_memory, 4'000'000'000U);
    struct statfs file_system {};
    ASSERT_EQ(::statfs(fs::temp_directory_path().c_str(), &file_system), 0);
    if (file_system.f_type != TMPFS_MAGIC) {  // what stays in memory is not written
        EXPECT_GE(usage.written_bytes, 8'000'000U);
    }
}

TEST_P(RunTest, PutsChangesIntoTheUpperDirectoryOnly) {
    const fs::path lower = test::shared_tiny_rootfs();
    EXPECT_EQ(
        run_spec(shell("echo new > /etc/new; echo more >> /etc/passwd; rm /bin/yes; mkdir /var/d"))
            .outcome.code,
        0);
    EXPECT_EQ(read_file(upper() / "etc/new"), "new\n");
    EXPECT_TRUE(contains(read_file(upper() / "etc/passwd"), "more"));
    EXPECT_TRUE(fs::is_character_file(upper() / "bin/yes")) << "a whiteout";
    EXPECT_TRUE(fs::is_directory(upper() / "var/d"));
    EXPECT_FALSE(contains(read_file(lower / "etc/passwd"), "more"));
    EXPECT_TRUE(fs::exists(lower / "bin/yes"));
    EXPECT_FALSE(fs::exists(lower / "etc/new"));
}

TEST_P(RunTest, LeavesNoTraceOfItsOwnInTheUpperDirectory) {
    EXPECT_TRUE(
        run_spec(shell("echo x > /tmp/x; echo x > /run/x; echo x > /dev/shm/x; cat /etc/passwd"))
            .outcome.ok());
    EXPECT_TRUE(fs::is_empty(upper()));
}

TEST_P(RunTest, CallsTheSinkThatThrowsNoMore) {
    int calls = 0;
    const Error error = test::error_of([&] {
        run(shell("yes"), Streams::merged, [&](Stream, std::string_view) {
            ++calls;
            throw Error("disk full");
        });
    });
    EXPECT_EQ(error.message(), "disk full");
    EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace mstage::sandbox
