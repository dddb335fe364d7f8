#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/process.hpp"
#include "sandbox/cache_mounts.hpp"
#include "sandbox/id_map.hpp"
#include "sandbox/root_plan.hpp"
#include "sandbox/secret_files.hpp"
#include "sandbox/system_places.hpp"
#include "sandbox/user.hpp"

namespace mstage::sandbox {

enum class Network { on, off };

/// What to do when the image lacks the working directory.
enum class MissingWorkdir { refused, made };

/// Everything about one execution, as data.
struct Spec {
    IdMap ids;
    RootPlan root;
    std::vector<std::string> argv;
    /// All of it: nothing is inherited. HOME is added where it is missing.
    std::map<std::string, std::string> environment;
    std::string workdir = "/";
    MissingWorkdir missing_workdir = MissingWorkdir::refused;
    std::string user{};                    ///< see find_user(); empty: root
    std::string image_name = "the image";  ///< what messages call it
    std::vector<CacheMount> caches{};
    /// Not there yet: a directory that is made for caches and users, on their file system, and may
    /// be removed after the run.
    std::filesystem::path scratch{};
    Network network = Network::on;
    /// Shown read-only as /etc/resolv.conf when the network is on.
    std::optional<std::filesystem::path> resolv_conf;
    std::vector<ShownFile> files{};  ///< below /run
    std::vector<Secret> secrets{};
    std::chrono::nanoseconds timeout{0};  ///< 0: none
    int stdin_fd = -1;                    ///< -1: /dev/null
};

/// What is only known once the root is mounted.
struct RootFacts {
    User user{};
    /// By name: see writable_proc_places(). Ordinary users are kept from them by the kernel.
    std::vector<std::string> read_only_proc_places{};
};

/// What bwrap is told for `spec`. File descriptors are not part of it.
std::vector<std::string> bwrap_arguments(const Spec& spec, const RootFacts& facts);

struct Usage {
    std::chrono::nanoseconds wall{0};
    std::chrono::nanoseconds setup{0};  ///< of these: until the root was there and bwrap started
    std::chrono::nanoseconds user{0};
    std::chrono::nanoseconds system{0};
    std::uint64_t peak_memory = 0;  ///< bytes resident in the largest process
    std::uint64_t read_bytes = 0;   ///< from storage
    std::uint64_t written_bytes = 0;
};

struct Outcome {
    /// As a shell tells it: 128 + n for a command that ended by signal n.
    int code = 0;
    bool timed_out = false;
    std::optional<int> interrupted_by;  ///< the signal that we got and ended the command for
    Usage usage;

    bool ok() const { return code == 0 && !timed_out && !interrupted_by; }
};

enum class Stream { out, err };
using OutputSink = std::function<void(Stream, std::string_view)>;

/// How the command's output comes.
enum class Streams {
    merged,    ///< stdout and stderr as one stream, in the order of their writing
    separate,  ///< as two
    /// The command has a terminal of its own, on which its output comes. Spec::stdin_fd is a terminal
    /// too, which is raw meanwhile: its keys, signals and window sizes are passed on.
    terminal,
};

/// Runs the command and waits until every process in the sandbox is gone, however it ends. SIGINT,
/// SIGTERM and SIGHUP of this process end the command. When this process is killed, the kernel ends
/// the command.
///
/// Throws Unavailable when there can be no sandbox here, Error when it could not be set up (then
/// the command has not run).
Outcome run(const Spec& spec, Streams streams, const OutputSink& sink);

}  // namespace mstage::sandbox
