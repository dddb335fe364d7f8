#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "agent/mcp/server.hpp"
#include "base/error.hpp"
#include "base/path_text.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

namespace fs = std::filesystem;

namespace {

bool holds(const fs::path& directory, const fs::path& path) {
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    return !error && is_below(real.native(), directory.native());
}

/// Started by a client, we may stand anywhere. What is too much is nothing.
std::vector<fs::path> default_roots() {
    const fs::path here = fs::canonical(fs::current_path());
    const char* home = std::getenv("HOME");
    const passwd* user = ::getpwuid(::getuid());
    const bool holds_home =
        (home != nullptr && holds(here, home)) || (user != nullptr && holds(here, user->pw_dir));
    return here == "/" || holds_home ? std::vector<fs::path>{} : std::vector{here};
}

size_t jobs_from(const std::string& text) {
    if (text.empty()) {
        return std::max<size_t>(8, 4 * std::thread::hardware_concurrency());
    }
    constexpr size_t k_longest = 4;
    const bool is_number =
        text.size() <= k_longest && text.find_first_not_of("0123456789") == std::string::npos;
    if (!is_number || std::stoul(text) == 0) {
        throw UsageError("mstage mcp: '--jobs {}' is no number of jobs", text);
    }
    return std::stoul(text);
}

}  // namespace

int run_mcp(const Arguments& arguments) {
    VerbParser parser("mcp");
    std::vector<std::string> roots;
    bool allow_host = false;
    std::string jobs;
    parser.options("--root", "DIR", roots,
                   "Agents may have, and write, files in it (default: where it is started)");
    parser.flag("--allow-host", allow_host,
                "Also images on base 'host', which show this machine's own system");
    parser.option("--jobs", "N", jobs, "So many runs, imports and builds at once");
    parser.footer(
        "A server of the Model Context Protocol, on standard input and output, for a client that\n"
        "starts it. With -C DIR it stands in that build tree. Started in / or the home directory\n"
        "it shows no files without --root.");
    if (!parser.read(arguments)) {
        return k_good;
    }
    const CommonOptions common = parser.common;
    const auto open = [common](const std::optional<fs::path>& build_dir) {
        CommonOptions options = common;
        if (build_dir) {
            options.directory = *build_dir;
        }
        // Of the user's own store it is sure that it may be made.
        Workplace place(options, build_dir ? StoreUse::looks : StoreUse::makes);
        return agent::Place{std::move(place.tree), std::move(place.engine)};
    };
    // The store is made, or found to be none, before a client waits for answers.
    const agent::Place place = open(std::nullopt);
    const fs::path store =
        store_path(place.tree ? place.tree->plans().front().store : std::nullopt);
    const agent::Settings settings{
        .roots = agent::Roots(
            roots.empty() ? default_roots() : std::vector<fs::path>(roots.begin(), roots.end()),
            fs::canonical(store)),
        .allow_host = allow_host,
        .jobs = jobs_from(jobs),
        .state_dir = store / "agent",
        .open = open,
        .proxies = proxy_variables(),
        .authorities = authority_variables(),
        .config = common.config,
        .helper = own_name(),
        .program = fs::read_symlink("/proc/self/exe"),
        .version = MSTAGE_VERSION};
    if (::isatty(STDIN_FILENO) == 1) {
        print_error_line(
            "mstage: waiting for JSON-RPC on standard input; see README, 'MCP server'");
    }
    agent::serve(settings, STDIN_FILENO, STDOUT_FILENO);
    return k_good;
}

}  // namespace mstage::cli
