#include "base/error.hpp"

#include "support.hpp"

namespace mstage {
namespace {

using test::error_of;

TEST(Error, FormatsItsMessage) {
    const Error error("reading '{}': line {}", "a", 3);
    EXPECT_EQ(error.message(), "reading 'a': line 3");
    EXPECT_STREQ(error.what(), "reading 'a': line 3");
    EXPECT_EQ(error.hint(), "");
}

TEST(Error, GetsContextInFrontOfItsMessage) {
    const Error error = error_of([] {
        with_context("importing 'x'",
                     [] { with_context("entry 'y'", []() -> void { throw Error("too long"); }); });
    });
    EXPECT_EQ(error.message(), "importing 'x': entry 'y': too long");
}

TEST(Error, ContextKeepsTheTypeAndTheHint) {
    const auto error = error_of<UsageError>([] {
        with_context("plan", []() -> void { throw with_hint(UsageError("bad"), "do better"); });
    });
    EXPECT_EQ(error.message(), "plan: bad");
    EXPECT_EQ(error.hint(), "do better");
}

TEST(Error, ContextLetsResultsThrough) {
    int number = 1;
    int& same = with_context("never seen", [&]() -> int& { return number; });
    EXPECT_EQ(&same, &number);
}

TEST(SysError, SaysWhatItsNumberMeansWhateverErrnoIsByNow) {
    errno = EBADF;
    const SysError error(EACCES, "opening '{}'", "f");
    EXPECT_EQ(error.number(), EACCES);
    EXPECT_EQ(error.message(), "opening 'f': Permission denied");
}

}  // namespace
}  // namespace mstage
