#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mstage::sandbox {

/// Where an overlay's changes go. Both directories are empty and on one file system.
struct OverlayUpper {
    std::filesystem::path upper;
    std::filesystem::path work;
};

/// One overlay of the root filesystem. Without `changes` it is read-only.
struct OverlayMount {
    std::string at;                             ///< below the root; "" is the root itself
    std::vector<std::filesystem::path> lowers;  ///< topmost first, at least one
    std::optional<OverlayUpper> changes;
};

/// A directory of the machine shown read-only, with all that is mounted below it.
struct ReadOnlyBind {
    std::filesystem::path source;
    std::string at;
};

/// A root filesystem as data: what to mount, in this order, under `mount_point`.
struct RootPlan {
    std::filesystem::path mount_point;  ///< an empty directory
    std::vector<OverlayMount> overlays;
    std::vector<ReadOnlyBind> binds;
    /// System directories that are lower layers themselves: to be taken without what is mounted in
    /// them (submounts.hpp).
    std::vector<std::string> bare{};
};

/// The kernel takes that many lower layers in one overlay.
constexpr size_t k_max_lowers = 500;

/// Mounts the plan. To be called in a mount namespace of one's own, whose end takes the mounts
/// away.
void mount_root(const RootPlan& plan);
/// Takes it away again, with all that was mounted in it.
void unmount_root(const RootPlan& plan);

}  // namespace mstage::sandbox
