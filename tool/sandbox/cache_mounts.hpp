#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sandbox/root_plan.hpp"
#include "sandbox/user.hpp"

namespace mstage::sandbox {

/// A directory of the machine that is mounted writable in a root: what is written there is in no
/// layer. `at` is absolute, as the command calls it; links of the image on the way are followed as
/// inside of the image.
struct CacheMount {
    std::filesystem::path source;  ///< made when missing, for the first run's user, with mode 0755
    std::string at;
};

/// The caches of a run on their way into its root, in the mount namespace of the run. The image is
/// looked at first, to find what it lacks to mount them on (mount_points.hpp):
///
///     CacheMounts caches(mounts, scratch);
///     mount_root(caches.probe_plan(plan));
///     // /tmp and /run are covered as they will be
///     const RootPlan whole = caches.with_mount_points(plan, owner);
///     unmount_root(plan);
///     mount_root(whole);
///     // and again
///     caches.mount(plan.mount_point, owner);
class CacheMounts {
public:
    /// `scratch` is a directory, made here when it is missing, on the file system of the sources;
    /// kept until the run's end.
    CacheMounts(std::vector<CacheMount> mounts, std::filesystem::path scratch);

    bool empty() const noexcept { return m_mounts.empty(); }
    /// What to look at: `plan` without its changes.
    RootPlan probe_plan(const RootPlan& plan) const;
    /// What `plan` has to be for all mount points to be there. Missing directories will belong to
    /// `owner`.
    RootPlan with_mount_points(const RootPlan& plan, const User& owner);
    /// Mounts them in the root, in which everything else that they may cover, or be in, is mounted.
    void mount(const std::filesystem::path& root, const User& owner);

private:
    void make_source(const CacheMount& cache, const User& owner) const;

    std::vector<CacheMount> m_mounts;     ///< by place, so that one in another comes after it
    std::vector<std::string> m_expected;  ///< where the image alone would have them
    std::filesystem::path m_scratch;
};

}  // namespace mstage::sandbox
