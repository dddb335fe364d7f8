#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/xattr.hpp"
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

/// The caches of a run on their way into its root, in the mount namespace of the run:
///
///     CacheMounts caches(mounts, scratch);
///     mount_root(caches.with_mount_points(plan, find_owner));
///     caches.mount(plan.mount_point, owner);
///
/// Mount points that the image lacks are in a lower layer of the run's own, on top of the image's,
/// in which every directory on the way has the attributes that it has in the image: nothing is made
/// in the changes, so no trace of a mount point stays in a layer, whatever the image's layers hide
/// from each other.
class CacheMounts {
public:
    /// `scratch` is a directory, made here when it is missing, on the file system of the sources;
    /// kept until the run's end.
    CacheMounts(std::vector<CacheMount> mounts, std::filesystem::path scratch);

    /// What `plan` has to be for all mount points to be there. Mounts it once, without its changes,
    /// to look, and takes that away again. Missing directories will belong to `owner`, who is asked
    /// for when the root can be looked into.
    template <typename F>
    RootPlan with_mount_points(const RootPlan& plan, const F& find_owner) {
        if (m_mounts.empty()) {
            return plan;
        }
        const RootPlan probe = probe_plan(plan);
        mount_root(probe);
        const User owner = find_owner();
        const std::vector<Directory> skeleton = missing_directories(plan, owner);
        unmount(plan.mount_point);
        return with_skeleton(plan, skeleton);
    }

    /// Mounts them in the root, which is mounted. Those below a directory that bwrap mounts over
    /// (/tmp, /run) are left to it: see bwrap_arguments().
    void mount(const std::filesystem::path& root, const User& owner);
    std::vector<std::string> bwrap_arguments() const;

private:
    /// A directory to be made with these attributes.
    struct Directory {
        std::string path;  ///< in the root
        mode_t mode = 0755;
        uid_t uid = 0;
        gid_t gid = 0;
        timespec modified{};
        std::vector<Xattr> attributes{};
    };

    RootPlan probe_plan(const RootPlan& plan) const;
    std::vector<Directory> missing_directories(const RootPlan& plan, const User& owner);
    RootPlan with_skeleton(const RootPlan& plan, const std::vector<Directory>& skeleton) const;
    void make_source(const CacheMount& cache, const User& owner) const;
    static Directory describe(int root, const std::string& path);
    void check_bwrap_is_not_led() const;
    static void unmount(const std::filesystem::path& root);

    std::vector<CacheMount> m_mounts;     ///< by place, so that one in another comes after it
    std::vector<std::string> m_expected;  ///< where the image alone would have them
    std::filesystem::path m_scratch;
    std::vector<CacheMount> m_left_to_bwrap;
};

}  // namespace mstage::sandbox
