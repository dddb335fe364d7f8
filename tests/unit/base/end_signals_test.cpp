#include "base/end_signals.hpp"

#include "support.hpp"

namespace mstage {
namespace {

TEST(EndSignals, ComeAsData) {
    const EndSignals signals;
    EXPECT_FALSE(signals.take());
    signals.check();
    ::raise(SIGTERM);
    EXPECT_EQ(signals.take(), SIGTERM);
    ::raise(SIGINT);
    const Interrupted interrupted = test::error_of<Interrupted>([&] { signals.check(); });
    EXPECT_EQ(interrupted.signal(), SIGINT);
    EXPECT_FALSE(signals.take());
}

TEST(EndSignals, EndTheProcessAgainAfterwards) {
    test::Process process([] {
        { const EndSignals signals; }
        ::raise(SIGHUP);
        return 0;
    });
    EXPECT_EQ(process.wait().signal, SIGHUP);
}

}  // namespace
}  // namespace mstage
