// What bwrap is told, as data.

#include "sandbox/bwrap.hpp"

#include <algorithm>

#include "support.hpp"

namespace mstage::sandbox {
namespace {

using Strings = std::vector<std::string>;

Spec small_spec() {
    Spec spec;
    spec.root.mount_point = "/store/tmp/x/root";
    spec.argv = {"/bin/true"};
    return spec;
}

/// Whether the words come one after the other.
bool has(const Strings& args, const Strings& words) {
    return std::ranges::search(args, words).begin() != args.end();
}

size_t count(const Strings& args, const std::string& word) {
    return static_cast<size_t>(std::ranges::count(args, word));
}

TEST(BwrapArguments, SeparateTheSandboxFromTheMachine) {
    const Strings args = bwrap_arguments(small_spec(), {});
    for (const char* flag : {"--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent",
                             "--new-session", "--clearenv"}) {
        EXPECT_EQ(count(args, flag), 1U) << flag;
    }
    EXPECT_TRUE(has(args, {"--dev-bind", "/store/tmp/x/root", "/"}));
    EXPECT_TRUE(has(args, {"--hostname", "mstage"}));
    EXPECT_TRUE(has(args, {"--chdir", "/"}));
}

TEST(BwrapArguments, MountProcOverTheRoot) {
    const Strings args =
        bwrap_arguments(small_spec(), {.read_only_proc_places = {"asound", "sys"}});
    EXPECT_TRUE(has(args, {"--proc", "/proc", "--ro-bind-try", "/proc/asound", "/proc/asound",
                           "--ro-bind-try", "/proc/sys", "/proc/sys"}));
    EXPECT_LT(std::ranges::find(args, "--dev-bind"), std::ranges::find(args, "--proc"))
        << "the root comes first";
}

TEST(BwrapArguments, DropAllCapabilitiesBeforeAddingAny) {
    const Strings args = bwrap_arguments(small_spec(), {});
    EXPECT_TRUE(has(args, {"--cap-drop", "ALL"}));
    EXPECT_LT(std::ranges::find(args, "--cap-drop"), std::ranges::find(args, "--cap-add"));
    for (const char* forbidden : {"CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SYS_PTRACE", "CAP_MKNOD",
                                  "CAP_NET_RAW", "CAP_DAC_READ_SEARCH", "CAP_SYS_MODULE"}) {
        EXPECT_EQ(count(args, forbidden), 0U) << forbidden;
    }
}

TEST(BwrapArguments, ShareTheNetworkUnlessToldNotTo) {
    Spec spec = small_spec();
    EXPECT_EQ(count(bwrap_arguments(spec, {}), "--unshare-net"), 0U);
    spec.network = Network::off;
    EXPECT_EQ(count(bwrap_arguments(spec, {}), "--unshare-net"), 1U);
}

TEST(BwrapArguments, SetTheEnvironmentAfterClearingIt) {
    Spec spec = small_spec();
    spec.environment = {{"A", "1"}, {"B", ""}, {"C", "--bind"}};
    const Strings args = bwrap_arguments(spec, {});
    EXPECT_TRUE(has(args, {"--setenv", "A", "1", "--setenv", "B", "", "--setenv", "C", "--bind"}));
    EXPECT_LT(std::ranges::find(args, "--clearenv"), std::ranges::find(args, "--setenv"));
}

TEST(BwrapArguments, GoToTheWorkingDirectory) {
    Spec spec = small_spec();
    spec.workdir = "/app";
    EXPECT_TRUE(has(bwrap_arguments(spec, {}), {"--chdir", "/app"}));
}

TEST(CommandWasStarted, IsToldByTheExitCode) {
    EXPECT_FALSE(command_was_started(""));
    EXPECT_FALSE(command_was_started("{ \"child-pid\": 3 }\n"));
    EXPECT_TRUE(command_was_started("{ \"child-pid\": 3 }\n{ \"exit-code\": 0 }\n"));
}

}  // namespace
}  // namespace mstage::sandbox
