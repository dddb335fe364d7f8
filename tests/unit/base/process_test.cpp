#include "base/process.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "support.hpp"

namespace mstage {
namespace {

namespace fs = std::filesystem;
using test::contains;
using test::error_of;
using test::TempDir;

Command shell(const std::string& text) {
    return {.argv = {"sh", "-c", text}, .package_hint = ""};
}

TEST(ExitState, DescribesCodesAndSignals) {
    const ExitState good{0, {}};
    const ExitState bad{3, {}};
    const ExitState killed{{}, SIGKILL};
    EXPECT_TRUE(good.ok());
    EXPECT_FALSE(bad.ok());
    EXPECT_FALSE(killed.ok());
    EXPECT_EQ(bad.describe(), "exit code 3");
    EXPECT_EQ(killed.describe(), "signal 9 (Killed)");
    EXPECT_EQ(bad.shell_code(), 3);
    EXPECT_EQ(killed.shell_code(), 137);
}

TEST(WaitFor, TellsHowAChildEnded) {
    test::Process code([] { return 7; });
    EXPECT_EQ(code.wait().code, 7);
    test::Process killed([] {
        ::raise(SIGTERM);
        return 0;
    });
    EXPECT_EQ(killed.wait().signal, SIGTERM);
    EXPECT_EQ(error_of<SysError>([] { wait_for(::getpid()); }).number(), ECHILD);
}

TEST(CaptureOutput, GivesAllThatWasWritten) {
    EXPECT_EQ(capture_output(shell("printf 'a\\000b\\n'")), std::string("a\0b\n", 4));
    EXPECT_EQ(capture_output(shell("head -c 1000000 /dev/zero")).size(), 1'000'000U);
}

TEST(CaptureOutput, GivesAnEmptyInput) {
    EXPECT_EQ(capture_output(shell("cat; echo end")), "end\n");
}

TEST(CaptureOutput, NamesTheProgramThatIsMissingAndItsPackage) {
    const Error error = error_of([] {
        capture_output(
            {.argv = {"mstage-no-such-program"}, .package_hint = "install the package 'x'"});
    });
    EXPECT_EQ(error.message(), "program 'mstage-no-such-program' was not found");
    EXPECT_EQ(error.hint(), "install the package 'x'");
}

TEST(CaptureOutput, TellsWhatAFailingProgramComplainedAbout) {
    const Error error =
        error_of([] { capture_output(shell("echo out; echo 'no \033[2Jluck' >&2; exit 3")); });
    EXPECT_EQ(error.message(), "'sh' failed with exit code 3:\nno \\x1b[2Jluck");
    EXPECT_EQ(error_of([] { capture_output(shell("kill -9 $$")); }).message(),
              "'sh' failed with signal 9 (Killed)");
}

TEST(CaptureOutput, IsNotHeldUpByManyComplaints) {
    EXPECT_EQ(capture_output(shell("head -c 1000000 /dev/zero >&2; echo end")), "end\n");
    const Error error =
        error_of([] { capture_output(shell("yes | head -n 100000 >&2; echo last >&2; exit 1")); });
    EXPECT_TRUE(error.message().ends_with("y\nlast")) << error.message().size();
    EXPECT_LT(error.message().size(), 200U) << "only the end is told";
}

TEST(CaptureOutput, SendsComplaintsWhereItIsTold) {
    const Fd file(::memfd_create("errors", MFD_CLOEXEC));
    Command command = shell("echo oh >&2; exit 1");
    command.stderr_fd = file.get();
    EXPECT_EQ(error_of([&] { capture_output(command); }).message(), "'sh' failed with exit code 1");
    ::lseek(file.get(), 0, SEEK_SET);
    EXPECT_EQ(read_all(file.get()), "oh\n");
}

TEST(CaptureOutput, LeavesNoDescriptorsToTheProgram) {
    const Fd mine = open_fd("/dev/null", O_RDONLY);
    EXPECT_EQ(capture_output(
                  shell("test -e /proc/$$/fd/" + std::to_string(mine.get()) + " || echo none")),
              "none\n");
}

TEST(CaptureOutput, ResetsSignals) {
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &term, nullptr);
    const std::string output = capture_output(shell("grep -E '^Sig(Blk|Ign)' /proc/self/status"));
    ::sigprocmask(SIG_UNBLOCK, &term, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    EXPECT_EQ(output, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST(StreamOutput, IsReadWhileTheProgramRuns) {
    const TempDir dir;
    const fs::path go = dir / "go";
    stream_output(shell("echo first; while ! test -e '" + go.native() +
                        "'; do sleep 0.01; done; echo second"),
                  [&](int fd) {
                      char buffer[6];
                      ASSERT_EQ(::read(fd, buffer, 6), 6);
                      write_file_atomically(go, "");
                      EXPECT_EQ(read_all(fd), "second\n");
                  });
}

TEST(StreamOutput, EndsTheProgramWhenItsReaderFails) {
    const TempDir dir;
    const Error error = error_of([&] {
        stream_output(shell("echo $$ > '" + (dir / "pid").native() + "'; echo x; exec sleep 1000"),
                      [](int fd) {
                          char byte = 0;
                          ASSERT_EQ(::read(fd, &byte, 1), 1);
                          throw Error("enough");
                      });
    });
    EXPECT_EQ(error.message(), "enough");
    EXPECT_NE(::kill(std::stoi(read_file(dir / "pid")), 0), 0) << "it is still there";
}

TEST(StreamOutput, TellsOfTheProgramThatFailedBeforeItsReader) {
    const Error error = error_of([&] {
        stream_output(shell("echo no such suite >&2; exit 3"), [](int fd) {
            read_all(fd);
            throw Error("not an archive");
        });
    });
    EXPECT_NE(error.message().find("exit code 3"), std::string::npos) << error.message();
    EXPECT_NE(error.message().find("no such suite"), std::string::npos) << error.message();
}

TEST(Program, ReadsWhatItIsGivenWhereItIsTold) {
    const TempDir dir;
    write_file_atomically(dir / "file", "from the file\n");
    const Fd input = open_fd(dir / "file", O_RDONLY);
    Command command = shell("cat; pwd");
    command.stdin_fd = input.get();
    command.directory = dir.path();
    Program program(command);
    EXPECT_EQ(read_all(program.output()), "from the file\n" + dir.path().native() + "\n");
    program.finish();
}

TEST(Program, FinishTellsOfAFailure) {
    Program program(shell("echo oh >&2; exit 4"));
    EXPECT_EQ(error_of([&] { program.finish(); }).message(), "'sh' failed with exit code 4:\noh");
}

TEST(Program, EndsWithItsObject) {
    std::string pid;
    {
        Program first(shell("echo $$; exec sleep 1000"));
        const Program program(std::move(first));
        char text[32];
        const ssize_t size = ::read(program.output(), text, sizeof text);
        ASSERT_GT(size, 0);
        pid.assign(text, static_cast<size_t>(size));
    }
    EXPECT_NE(::kill(std::stoi(pid), 0), 0) << "it is still there";
}

TEST(FindProgram, LooksOnThePath) {
    const TempDir dir;
    write_file_atomically(dir / "mstage-test-program", "#!/bin/sh\n");
    write_file_atomically(dir / "mstage-test-data", "");
    fs::permissions(dir / "mstage-test-program", fs::perms(0755));
    const std::string before = std::getenv("PATH");
    ::setenv("PATH", ("/nonexistent::" + dir.path().native()).c_str(), 1);
    EXPECT_EQ(find_program("mstage-test-program"), (dir / "mstage-test-program").native());
    EXPECT_FALSE(find_program("mstage-test-data")) << "not executable";
    EXPECT_FALSE(find_program("mstage-no-such-program"));
    ::setenv("PATH", before.c_str(), 1);
    EXPECT_EQ(find_program((dir / "mstage-test-program").native()),
              (dir / "mstage-test-program").native());
    EXPECT_FALSE(find_program((dir / "none").native()));
}

TEST(FindProgram, TakesNoDirectoryForAProgram) {
    const TempDir dir;
    fs::create_directory(dir / "mstage-test-directory");
    const std::string before = std::getenv("PATH");
    ::setenv("PATH", dir.path().c_str(), 1);
    EXPECT_FALSE(find_program("mstage-test-directory"));
    ::setenv("PATH", before.c_str(), 1);
}

}  // namespace
}  // namespace mstage
