#include "base/fd.hpp"

#include <fcntl.h>

#include "support.hpp"

namespace mstage {
namespace {

using test::error_of;
using test::TempDir;

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(Fd, ClosesItsDescriptorAtTheEnd) {
    int number = -1;
    {
        const Fd fd = open_fd("/dev/null", O_RDONLY);
        number = fd.get();
        EXPECT_TRUE(is_open(number));
    }
    EXPECT_FALSE(is_open(number));
}

TEST(Fd, MovingEmptiesTheSource) {
    Fd first = open_fd("/dev/null", O_RDONLY);
    const int number = first.get();
    Fd second = std::move(first);
    EXPECT_FALSE(first);  // NOLINT(bugprone-use-after-move): that is the point
    EXPECT_EQ(second.get(), number);
    Fd third = open_fd("/dev/null", O_RDONLY);
    const int overwritten = third.get();
    third = std::move(second);
    EXPECT_EQ(third.get(), number);
    EXPECT_FALSE(is_open(overwritten));
}

TEST(Fd, ReleaseGivesTheDescriptorAway) {
    Fd fd = open_fd("/dev/null", O_RDONLY);
    const Fd other(fd.release());
    EXPECT_FALSE(fd);
    EXPECT_TRUE(is_open(other.get()));
}

TEST(Fd, IsCloseOnExec) {
    const Pipe pipe = make_pipe();
    const Fd file = open_fd("/dev/null", O_RDONLY);
    for (const int fd : {pipe.reader.get(), pipe.writer.get(), file.get()}) {
        EXPECT_EQ(::fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    }
}

TEST(OpenFd, NamesThePathThatIsNotThere) {
    const auto error = error_of<SysError>([] { open_fd("/nonexistent/file", O_RDONLY); });
    EXPECT_EQ(error.number(), ENOENT);
    EXPECT_EQ(error.message(), "opening '/nonexistent/file': No such file or directory");
}

TEST(OpenAt, LooksInTheDirectory) {
    const TempDir dir;
    write_file_atomically(dir / "f", "content");
    const Fd parent = open_fd(dir.path(), O_RDONLY | O_DIRECTORY);
    EXPECT_EQ(read_all(open_at(parent.get(), "f", O_RDONLY).get()), "content");
}

TEST(WriteAll, FillsAPipeThatSomebodySlowReads) {
    const std::string data(1 << 20, 'x');
    Pipe pipe = make_pipe();
    test::Process writer([&] {
        write_all(pipe.writer.get(), data);
        return 0;
    });
    pipe.writer.close();
    EXPECT_EQ(read_all(pipe.reader.get()), data);
    EXPECT_TRUE(writer.wait().ok());
}

TEST(WriteAll, SaysThatTheDescriptorIsBad) {
    EXPECT_EQ(error_of<SysError>([] { write_all(-1, "x"); }).number(), EBADF);
    EXPECT_EQ(error_of<SysError>([] { read_all(-1); }).number(), EBADF);
}

}  // namespace
}  // namespace mstage
