#include "sandbox/cache_mounts.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/path_text.hpp"
#include "base/text.hpp"
#include "sandbox/mount_clone.hpp"
#include "sandbox/mount_points.hpp"
#include "sandbox/system_places.hpp"

namespace mstage::sandbox {

namespace fs = std::filesystem;

namespace {

/// Where a path leads in a root.
struct Place {
    std::string existing;              ///< the real path of what there is; "" is the root
    std::vector<std::string> missing;  ///< the names behind it
    Fd directory;                      ///< `existing`

    std::string path() const {
        std::string text = existing;
        for (const std::string& name : missing) {
            text.append("/").append(name);
        }
        return text;
    }
};

std::vector<std::string> components(const std::string& path) {
    std::vector<std::string> names = split(path, '/');
    std::erase(names, "");
    return names;
}

std::string real_path(int fd) {
    return fs::read_symlink(fmt::format("/proc/self/fd/{}", fd)).native();
}

/// A link that leads nowhere would have to be replaced, and so would a file.
void check_absent(const Place& place, const std::string& at) {
    struct stat info {};
    const std::string& name = place.missing.front();
    if (::fstatat(place.directory.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
        throw Error("cache '{}': '{}/{}' in the image is {}", at, place.existing, name,
                    S_ISLNK(info.st_mode) ? "a link that leads to no directory" : "no directory");
    }
}

Place find_place(int root, const std::string& at) {
    const std::string root_path = real_path(root);
    Place place;
    std::vector<std::string> names = components(at);
    while (true) {
        std::string path = "/";
        for (const std::string& name : names) {
            path.append(name).append("/");
        }
        place.directory = try_open_in_root(root, path, O_PATH | O_DIRECTORY);
        if (place.directory) {
            break;
        }
        if (names.empty() || (errno != ENOENT && errno != ENOTDIR)) {
            throw SysError(errno, "cache '{}': looking for '{}' in the image", at, path);
        }
        place.missing.insert(place.missing.begin(), names.back());
        names.pop_back();
    }
    place.existing = real_path(place.directory.get()).substr(root_path.size());
    if (!place.missing.empty()) {
        check_absent(place, at);
    }
    return place;
}

/// Every run has a fresh file system there, over whatever the image has.
bool is_in_fresh_place(const std::string& path) {
    return is_below(path, "/tmp") || is_below(path, "/run");
}

/// No layer of ours shows there.
bool is_read_only(const RootPlan& plan, const std::string& path) {
    return std::ranges::any_of(
        plan.binds, [&](const ReadOnlyBind& shown) { return is_below(path, "/" + shown.at); });
}

/// Configuration refuses such paths; here it is links that lead there.
void check_allowed(const std::string& path, const std::string& at) {
    for (const char* directory : {"/dev", "/proc", "/sys", k_own_directory}) {
        if (is_below(path, directory)) {
            throw Error("cache '{}' leads to '{}', which is the sandbox's own", at, path);
        }
    }
    if (path.empty() || path == "/tmp" || path == "/run") {
        throw Error("cache '{}' leads to '{}/', which is the sandbox's own", at, path);
    }
}

/// What is in another cache must not say where this one goes: it would change results without
/// changing a key.
void check_where_expected(const std::string& path, const std::string& at,
                          const std::string& expected) {
    if (path != expected) {
        throw Error("cache '{}' leads to '{}' by a link in another cache, and to '{}' in the image",
                    at, path, expected);
    }
}

void set_owner_and_mode(const fs::path& path, uid_t uid, gid_t gid, mode_t mode) {
    if (::chown(path.c_str(), uid, gid) != 0 || ::chmod(path.c_str(), mode) != 0) {
        throw SysError(errno, "setting owner and mode of '{}'", path.native());
    }
}

/// What is missing inside of another cache is made there, to stay, and below /tmp and /run for the run.
Fd make_missing(const Place& place, const std::string& at, const User& owner) {
    Fd directory = open_at(place.directory.get(), ".", O_PATH | O_DIRECTORY);
    for (const std::string& name : place.missing) {
        if (::mkdirat(directory.get(), name.c_str(), 0755) != 0) {
            throw with_hint(
                SysError(errno, "cache '{}': making '{}' to mount it on", at, place.path()),
                "on base 'host' the system directories are read-only for ordinary users: a cache "
                "can only be on a directory that is there");
        }
        if (::fchownat(directory.get(), name.c_str(), owner.uid, owner.gid, 0) != 0) {
            throw SysError(errno, "setting the owner of '{}'", place.path());
        }
        directory = open_at(directory.get(), name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    }
    return directory;
}

}  // namespace

CacheMounts::CacheMounts(std::vector<CacheMount> mounts, fs::path scratch)
    : m_mounts(std::move(mounts)), m_scratch(std::move(scratch)) {
    std::ranges::sort(m_mounts, {}, &CacheMount::at);
}

/// Read-only, and so without a work directory, which a volatile overlay could use only once. Such
/// an overlay wants two lower layers.
RootPlan CacheMounts::probe_plan(const RootPlan& plan) const {
    make_directories(m_scratch / "nothing");
    RootPlan probe = plan;
    for (OverlayMount& overlay : probe.overlays) {
        overlay.changes.reset();
        overlay.lowers.push_back(m_scratch / "nothing");
    }
    return probe;
}

RootPlan CacheMounts::with_mount_points(const RootPlan& plan, const User& owner) {
    const Fd root_fd = open_fd(plan.mount_point, O_PATH | O_DIRECTORY);
    MountPoints points(m_scratch / "mount-points");
    for (const CacheMount& cache : m_mounts) {
        const Place place = find_place(root_fd.get(), cache.at);
        check_allowed(place.path(), cache.at);
        m_expected.push_back(place.path());
        if (place.missing.empty() || is_in_fresh_place(place.path()) ||
            is_read_only(plan, place.path())) {
            continue;
        }
        points.add_existing(root_fd.get(), place.existing);
        std::string path = place.existing;
        for (const std::string& name : place.missing) {
            path.append("/").append(name);
            points.add_directory(path, owner.uid, owner.gid);
        }
    }
    return points.on_top_of(plan);
}

/// Two first runs at once: what the second finds is whole. Where nobody has put anything yet, whoever
/// comes is the first: a stage run by root that has the cache only because all of the pipeline has
/// it does not keep others from it.
void CacheMounts::make_source(const CacheMount& cache, const User& owner) const {
    if (fs::exists(cache.source)) {
        if (fs::is_empty(cache.source)) {
            set_owner_and_mode(cache.source, owner.uid, owner.gid, 0755);
        }
        return;
    }
    const fs::path fresh = make_temporary_directory(m_scratch, "cache-");
    set_owner_and_mode(fresh, owner.uid, owner.gid, 0755);
    if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, cache.source.c_str(), RENAME_NOREPLACE) !=
            0 &&
        errno != EEXIST) {
        throw SysError(errno, "making cache '{}'", cache.source.native());
    }
}

void CacheMounts::mount(const fs::path& root, const User& owner) {
    if (m_mounts.empty()) {
        return;
    }
    const Fd root_fd = open_fd(root, O_PATH | O_DIRECTORY);
    for (size_t i = 0; i < m_mounts.size(); ++i) {
        const CacheMount& cache = m_mounts[i];
        make_source(cache, owner);
        const Place place = find_place(root_fd.get(), cache.at);
        check_allowed(place.path(), cache.at);
        check_where_expected(place.path(), cache.at, m_expected.at(i));
        attach_mount(clone_mount(cache.source, CloneRestriction::no_privileges),
                     make_missing(place, cache.at, owner).get());
    }
}

}  // namespace mstage::sandbox
