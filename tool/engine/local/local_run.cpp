// One execution: root, sandbox, log, and what becomes of what was written.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/file_end.hpp"
#include "engine/local/local_engine.hpp"
#include "engine/local/root_layout.hpp"
#include "engine/local/run_record.hpp"
#include "engine/local/secret_guard.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

/// What every command finds unless image or caller say otherwise. Part of what k_format_version
/// stands for. So is HOME, which the sandbox sets to that of the user, /root for root.
const std::map<std::string, std::string>& default_environment() {
    static const std::map<std::string, std::string> k_environment = {
        {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        {"LANG", "C.UTF-8"},
        {"TERM", "dumb"}};
    return k_environment;
}

std::map<std::string, std::string> environment_for(const RunRequest& request, const Image& image) {
    std::map<std::string, std::string> environment = request.environment;
    for (const auto* fallback :
         {&image.config.environment, &request.pass_through, &default_environment()}) {
        environment.insert(fallback->begin(), fallback->end());
    }
    return environment;
}

/// The image's layers with the source's on top. A layer that is in both moves up: overlayfs takes
/// none twice, and what a stage declares is what it sees, whatever earlier stages made of it.
std::vector<store::LayerId> stacked(const std::vector<store::LayerId>& image,
                                    const std::vector<store::LayerId>& source) {
    std::vector<store::LayerId> layers;
    std::ranges::copy_if(image, std::back_inserter(layers), [&](const store::LayerId& layer) {
        return std::ranges::find(source, layer) == source.end();
    });
    layers.insert(layers.end(), source.begin(), source.end());
    return layers;
}

/// The machine's, as it is now: the file itself may be a mount that the sandbox's overlays have to
/// do without.
std::optional<fs::path> copy_resolv_conf(const fs::path& work_dir) {
    const auto text = read_file_if_exists("/etc/resolv.conf");
    if (!text) {
        return std::nullopt;
    }
    const fs::path copy = work_dir / "resolv.conf";
    write_file_atomically(copy, *text);
    // Every user of the image reads it, whatever the caller's umask is.
    ::chmod(copy.c_str(), 0644);
    return copy;
}

/// The caller's certificate authorities: each file once, and in `environment` where it is to be
/// found. What cannot be read is the caller's own trouble as well, and not for us to complain of.
std::vector<sandbox::ShownFile> show_authorities(const RunRequest& request, const Image& image,
                                                 std::map<std::string, std::string>& environment) {
    std::map<fs::path, std::string> places;
    for (const auto& [name, file] : request.authorities) {
        std::error_code unresolved;
        const fs::path source = fs::canonical(file, unresolved);
        const bool is_set =
            request.environment.contains(name) || image.config.environment.contains(name);
        if (is_set || request.network == Network::off || unresolved ||
            !fs::is_regular_file(source) || ::access(source.c_str(), R_OK) != 0) {
            continue;
        }
        const auto place = places.try_emplace(
            source, fmt::format("{}/authorities-{}.pem", sandbox::k_own_directory, places.size()));
        environment[name] = place.first->second;
    }
    std::vector<sandbox::ShownFile> files;
    for (const auto& [source, at] : places) {
        files.push_back({source, at});
    }
    return files;
}

double seconds(std::chrono::nanoseconds duration) {
    return std::chrono::duration<double>(duration).count();
}

std::vector<sandbox::CacheMount> cache_mounts(const std::vector<Cache>& caches,
                                              const std::vector<store::CacheLease>& leases) {
    std::vector<sandbox::CacheMount> mounts;
    for (size_t i = 0; i < caches.size(); ++i) {
        mounts.push_back({leases[i].directory, caches[i].path});
    }
    return mounts;
}

Json to_json(const std::vector<Secret>& secrets) {
    Json ids = Json::array();
    for (const Secret& secret : secrets) {
        ids.push_back(secret.id);
    }
    return ids;
}

/// runs/<uuid>/run.json. Every field is always there.
Json run_record(const RunRequest& request, const RunResult& result, TimePoint started) {
    const Outcome& outcome = result.outcome;
    const Usage& usage = outcome.usage;
    const bool by_signal = outcome.code > 128 && outcome.code <= 128 + 64;
    return {
        {"version", 1},
        {"id", result.run.str()},
        {"origin", request.origin},
        {"image", request.image.str()},
        {"command", request.command_line},
        {"environment", request.environment},
        {"workdir", request.workdir},
        {"source_workdir", request.source_workdir},
        {"user", request.user},
        {"caches", engine::to_json(request.caches)},
        {"secrets", to_json(request.secrets)},
        {"network", request.network == Network::on},
        {"timeout_s", seconds(request.timeout)},
        {"disposable", request.disposable},
        {"started", format_time(started)},
        {"exit_code", outcome.code},
        {"signal", by_signal ? Json(outcome.code - 128) : Json()},
        {"timed_out", outcome.timed_out},
        {"interrupted_by", outcome.interrupted_by ? Json(*outcome.interrupted_by) : Json()},
        {"wall_s", seconds(usage.wall)},
        {"user_s", seconds(usage.user)},
        {"system_s", seconds(usage.system)},
        {"peak_memory_bytes", usage.peak_memory},
        {"read_bytes", usage.read_bytes},
        {"written_bytes", usage.written_bytes},
        {"result_image", json_or_null(result.result_image)},
        {"filesystem_changed", result.filesystem_changed},
        {"failed_state", json_or_null(result.failed_state)},
        {"leaks", engine::to_json(result.leaks)},
        {"key", json_or_null(request.key)},
        {"key_parts", request.key_parts},
        {"phases", to_json(result.phases)},
    };
}

}  // namespace

RunResult LocalEngine::run(const RunRequest& request) try {
    PhaseTimer timer;
    const std::vector<store::CacheLease> leases = take_caches(request, timer);
    store::WorkDir work = m_store.make_work_dir();
    work.pin(request.image);
    const Image image = m_store.get_image(request.image);
    std::vector<store::LayerId> layers =
        stacked(without_replaced(image.layers, request), source_layers(request));
    if (const auto copied = copied_layer(request, image.ground, layers)) {
        layers.push_back(*copied);
    }
    constexpr size_t k_own_lowers = 4;  // ground, mount points of two kinds, and the layer to be
    if (!request.disposable && layers.size() + k_own_lowers > sandbox::k_max_lowers) {
        throw Error("image '{}' has {} layers, and another one would be too many for the kernel",
                    image.id.str(), layers.size());
    }
    const RootLayout layout =
        lay_out_root(m_store, image.ground, layers, m_ids, Access::read_write, work.path());

    RunResult result{.run = request.id ? *request.id : RunId::generate(), .outcome = {}, .log = {}};
    const fs::path run_dir = m_store.make_run_dir(result.run);
    result.log = run_dir / "output.log";
    const Fd log = open_fd(result.log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (request.on_start) {
        request.on_start(result.run, result.log);
    }
    SecretGuard guard(request.secrets);
    const OutputSink sink = guard.guarded(
        [&](Stream stream, std::string_view data) {
            with_context(result.log.native(), [&] { write_all(log.get(), data); });
            if (request.live) {
                request.live(stream, data);
            }
        },
        request.streams);
    std::map<std::string, std::string> environment = environment_for(request, image);
    std::vector<sandbox::ShownFile> authorities = show_authorities(request, image, environment);
    const sandbox::Spec spec{
        .ids = m_ids,
        .root = layout.plan,
        .argv = request.argv,
        .environment = std::move(environment),
        .workdir = request.workdir.empty() ? image.config.workdir : request.workdir,
        // Container images may name one that nobody made; all that run them make it.
        .missing_workdir = request.workdir.empty() ? sandbox::MissingWorkdir::made
                                                   : sandbox::MissingWorkdir::refused,
        .user = request.user.empty() ? image.config.user : request.user,
        .image_name = fmt::format("image '{}'", image.id.str()),
        .caches = cache_mounts(request.caches, leases),
        .scratch = work.path() / "scratch",
        .network = request.network,
        .resolv_conf = copy_resolv_conf(work.path()),
        .files = std::move(authorities),
        .secrets = request.secrets,
        .timeout = request.timeout,
        .stdin_fd = request.stdin_fd};
    guard.watch(spec.caches, request.caches, result.run);
    const TimePoint started = std::chrono::system_clock::now();
    const auto sandbox_started = PhaseTimer::Clock::now();
    result.outcome = sandbox::run(spec, request.streams, sink);
    timer.end("mount", sandbox_started + result.outcome.usage.setup);
    timer.end("run");
    guard.finish_output(result.outcome);
    result.leaks = guard.leaks_in_caches(m_ids);

    constexpr off_t k_tail = 64 * 1024;
    if (!result.outcome.ok() && image.ground == store::Ground::host &&
        m_ids.mode != sandbox::IdMode::identity &&
        read_end_of_file(result.log, k_tail).find("Read-only file system") != std::string::npos) {
        result.note =
            "on base 'host' the system directories are read-only for ordinary users; on base "
            "'debian:…' every user is root";
    }
    if (!request.disposable) {
        result.filesystem_changed = layout.changed();
        const std::vector<Leak> leaks = guard.leaks_in(layout, m_ids);
        result.leaks.insert(result.leaks.begin(), leaks.begin(), leaks.end());
        Image next{.id = ImageId::generate(),
                   .ground = image.ground,
                   .layers = layers,
                   .config = image.config};
        next.parent = image.id;
        next.origin = request.origin;
        next.command = request.command_line;
        next.run = result.run;
        next.key = request.key;
        next.key_parts = request.key_parts;
        if (result.ok() || (request.keep_in_any_case && leaks.empty())) {
            finish_good_run(request, std::move(next), layout, result);
        } else if (leaks.empty()) {
            finish_failed_run(std::move(next), layout, result);
        }
        timer.end("commit");
    }
    result.phases = request.phases;
    result.phases.insert(result.phases.end(), timer.phases().begin(), timer.phases().end());
    write_file_atomically(run_dir / "run.json",
                          dump_json_indented(run_record(request, result, started)));
    return result;
} catch (SysError& error) {
    if (error.number() == ENOSPC || error.number() == EDQUOT) {
        error.set_hint(
            fmt::format("the file system of store '{}' is full: make room there, or "
                        "give MSTAGE_STORE another place",
                        m_store.root().native()));
    }
    throw;
}

void LocalEngine::finish_good_run(const RunRequest& request, Image next, const RootLayout& layout,
                                  RunResult& out) {
    const Image parent = m_store.get_image(request.image);
    if (request.keep_environment) {
        for (const auto& [name, value] : request.environment) {
            next.config.environment[name] = value;
        }
    }
    if (!out.filesystem_changed && next.layers == parent.layers &&
        next.config.environment == parent.config.environment) {
        out.result_image = parent.id;
        return;
    }
    if (out.filesystem_changed) {
        layout.collect_changes();
        next.layers.push_back(publish_layer(layout.upper));
    }
    if (!request.workdir.empty()) {
        next.config.workdir = request.workdir;
    }
    m_store.publish_image(next);
    m_store.sync_in_background();
    out.result_image = next.id;
}

void LocalEngine::finish_failed_run(Image failed, const RootLayout& layout, RunResult& out) {
    failed.state = ImageState::failed;
    if (out.filesystem_changed) {
        layout.collect_changes();
        failed.layers.push_back(publish_layer(layout.upper));
    }
    m_store.publish_image(failed);
    m_store.sync_in_background();
    out.failed_state = failed.id;
}

}  // namespace mstage::engine
