#include "agent/sources.hpp"

#include <sys/stat.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/lock.hpp"
#include "base/uuid.hpp"

namespace mstage::agent {

namespace fs = std::filesystem;

namespace {

/// What is scanned: a directory, and which part of it.
struct Scanned {
    fs::path root;
    std::optional<std::vector<std::string>> patterns;
};

bool has_wildcards(const std::string& name) {
    return name.find_first_of("*?[") != std::string::npos;
}

/// A pattern's leading names without wildcards are the directory, the rest is for the scan.
Scanned split_source(const Roots& roots, const std::string& source) {
    fs::path root;
    std::string pattern;
    for (const fs::path& name : fs::path(source)) {
        if (pattern.empty() && !has_wildcards(name.native())) {
            root /= name;
        } else {
            pattern += "/" + name.native();
        }
    }
    if (!pattern.empty()) {
        return {roots.resolve(root.native()), {{pattern}}};
    }
    const fs::path real = roots.resolve(source);
    if (fs::is_directory(real)) {
        return {real, std::nullopt};
    }
    return {real.parent_path(), {{"/" + real.filename().native()}}};
}

/// A number that JavaScript holds exactly too.
std::uint64_t number_of(std::string_view text) {
    constexpr size_t k_digits = 13;  // 52 bits
    return std::stoull(sha256_hex(text).substr(0, k_digits), nullptr, 16);
}

fs::path state_file(const Settings& settings, std::uint64_t id) {
    return settings.state_dir / "sources" / fmt::format("{}.json", id);
}

fs::path upload_file(const Settings& settings, const std::string& uuid) {
    return settings.state_dir / "uploads" / uuid;
}

/// By its first half; the digits that say which kind of UUID it is are those of a custom one.
std::string uuid_of(const std::string& sha256) {
    return fmt::format("{}-{}-8{}-8{}-{}", sha256.substr(0, 8), sha256.substr(8, 4),
                       sha256.substr(12, 3), sha256.substr(15, 3), sha256.substr(18, 12));
}

}  // namespace

Json take_source(const Settings& settings, engine::Engine& engine, const SourceSpec& spec) {
    const Scanned scanned = split_source(settings.roots, spec.source);
    const Json identity = {{"root", scanned.root.native()},
                           {"patterns", scanned.patterns ? Json(*scanned.patterns) : Json()},
                           {"destination", spec.destination},
                           {"exclude", spec.exclude}};
    const fs::path work = settings.state_dir / "scans" / sha256_hex(dump_json(identity));
    make_directories(work, 0700);
    const FileLock turn = FileLock::acquire(work / "lock", LockMode::exclusive);
    const engine::StageInputs inputs{
        .stage = "rsync", .patterns = scanned.patterns, .inputs_file = work / "inputs"};
    const engine::SourceReport report = engine.scan({.root = scanned.root,
                                                     .exclude = spec.exclude,
                                                     .skip = {settings.state_dir},
                                                     .cache_file = work / "stat-cache",
                                                     .workdir = spec.destination,
                                                     .stages = {inputs}});
    const std::string digest = engine::inputs_digest(inputs.inputs_file);
    const std::uint64_t id = number_of(spec.destination + "\n" + digest);
    const auto files = engine.input_list(digest);
    make_directories(settings.state_dir / "sources", 0700);
    write_file_atomically(state_file(settings, id),
                          dump_json({{"version", 1},
                                     {"root", scanned.root.native()},
                                     {"destination", spec.destination},
                                     {"digest", digest},
                                     {"inputs_file", inputs.inputs_file.native()}}) +
                              "\n");
    return {{"directory_state_id", id},
            {"source", spec.source},
            {"destination", spec.destination},
            {"files", files ? files->size() : 0},
            {"warnings", report.warnings}};
}

void add_source(const Settings& settings, std::uint64_t id, engine::RunRequest& request) {
    const auto text = read_file_if_exists(state_file(settings, id));
    if (!text) {
        throw with_hint(Error("directory_state_id {} is unknown", id),
                        "rsync gives one, and another one after the files have changed");
    }
    const Json state = parse_json(*text, "directory state");
    request.inputs_digest = json_get<std::string>(state, "digest");
    request.inputs_file = json_get<std::string>(state, "inputs_file");
    request.source_root = json_get<std::string>(state, "root");
    request.source_workdir = json_get<std::string>(state, "destination");
}

Json take_file(const Settings& settings, const std::string& content) {
    const std::string sha256 = sha256_hex(content);
    const std::string uuid = uuid_of(sha256);
    make_directories(settings.state_dir / "uploads", 0700);
    const fs::path file = upload_file(settings, uuid);
    if (!fs::exists(file)) {
        AtomicFile out(file);
        ::fchmod(out.fd(), 0644);
        out.write(content);
        out.commit();
    }
    return {{"uuid", uuid}, {"sha256", sha256}, {"size", content.size()}};
}

void add_file(const Settings& settings, const std::string& uuid, const std::string& destination,
              engine::RunRequest& request) {
    const auto id = Uuid::parse(uuid);
    if (!id || !fs::exists(upload_file(settings, id->str()))) {
        throw with_hint(Error("the file '{}' is unknown", uuid), "upload gives a uuid");
    }
    if (!destination.starts_with('/')) {
        throw Error("'{}' is no absolute path in an image", destination);
    }
    request.files.push_back({upload_file(settings, id->str()), destination});
}

}  // namespace mstage::agent
