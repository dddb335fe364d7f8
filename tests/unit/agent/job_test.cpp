#include "agent/job.hpp"

#include <poll.h>
#include <unistd.h>

#include <csignal>

#include "support.hpp"

namespace mstage::agent {
namespace {

void wait_until_ended(Job& job) {
    do {
        pollfd fd{job.fd(), POLLIN, 0};
        ASSERT_GT(::poll(&fd, 1, 60'000), 0);
    } while (job.take());
}

TEST(Job, AnswersWithWhatItsWorkReturns) {
    Job job = Job::start([](const Report& report) {
        report("going on");
        return Json{{"x", std::string(1 << 20, 'x')}};
    });
    wait_until_ended(job);
    EXPECT_EQ(job.take_line(), "going on");
    EXPECT_EQ(job.take_line(), std::nullopt);
    EXPECT_EQ((*job.answer())["x"].get<std::string>().size(), 1U << 20);
}

TEST(Job, TellsWhatItsWorkThrew) {
    Job job = Job::start([](const Report&) -> Json { throw with_hint(Error("no"), "try"); });
    wait_until_ended(job);
    EXPECT_FALSE(job.answer());
    EXPECT_EQ(job.failure().message, "no");
    EXPECT_EQ(job.failure().hint, "try");
}

TEST(Job, MayCrash) {
    Job job = Job::start([](const Report&) -> Json {
        ::raise(SIGKILL);
        return {};
    });
    wait_until_ended(job);
    EXPECT_EQ(job.failure().message, "its process ended with signal 9 (Killed)");
}

TEST(Job, EndsWhenItIsAskedTo) {
    Job job = Job::start([](const Report&) -> Json {
        ::pause();
        return {};
    });
    job.ask_to_end();
    wait_until_ended(job);
    EXPECT_FALSE(job.answer());
}

TEST(Job, IsGoneWithItsObject) {
    Pipe pipe = make_pipe();
    {
        const Job job = Job::start([&](const Report&) -> Json {
            ::pause();
            return {};
        });
        pipe.writer.close();
    }
    EXPECT_EQ(read_all(pipe.reader.get()), "");  // the child had the other end open
}

}  // namespace
}  // namespace mstage::agent
