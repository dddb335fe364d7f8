#include "sandbox/run_root.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/path_text.hpp"
#include "sandbox/mount_points.hpp"
#include "sandbox/secret_files.hpp"
#include "sandbox/start_check.hpp"

namespace mstage::sandbox {

namespace fs = std::filesystem;

namespace {

/// The directories of the root that are mounted over, whatever the image has there.
constexpr const char* k_mount_points[] = {"dev", "proc", "sys", "tmp", "run"};
constexpr const char* k_resolv_conf = "etc/resolv.conf";

/// bwrap would follow an image's symbolic link out of the place that we mean.
void check_mount_points(const fs::path& root) {
    for (const char* name : k_mount_points) {
        struct stat info {};
        if (::lstat((root / name).c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
            throw Error("the image's '/{}' is not a directory", name);
        }
    }
}

/// The path that /etc/resolv.conf of the image leads to, where a file can be mounted: what is below
/// /run and /tmp is made by us. Nothing when it leads nowhere.
std::optional<std::string> resolv_conf_place(const fs::path& root) {
    struct stat info {};
    if (::lstat((root / "etc").c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) {
        return std::nullopt;
    }
    if (::lstat((root / k_resolv_conf).c_str(), &info) != 0 || S_ISREG(info.st_mode)) {
        return k_resolv_conf;
    }
    std::error_code ignored;
    const fs::path file = fs::path("/") / k_resolv_conf;
    const std::string target =
        (file.parent_path() / fs::read_symlink(root / k_resolv_conf, ignored))
            .lexically_normal()
            .native();
    const bool made_by_us = (target.starts_with("/run/") || target.starts_with("/tmp/")) &&
                            !is_below(target, k_own_directory) &&
                            !is_below(target, k_secrets_directory);
    return made_by_us ? std::optional(target) : std::nullopt;
}

/// Whether a file would have to be made in the image for the machine's to be mounted on: a layer of
/// the image hides the one that lies below all of them.
bool lacks_resolv_conf(const RootPlan& plan) {
    const bool is_shown =
        std::ranges::find(plan.binds, "etc", &ReadOnlyBind::at) != plan.binds.end();
    struct stat info {};
    return !is_shown && ::lstat((plan.mount_point / "etc").c_str(), &info) == 0 &&
           S_ISDIR(info.st_mode) &&
           ::lstat((plan.mount_point / k_resolv_conf).c_str(), &info) != 0 && errno == ENOENT;
}

User user_of(const Spec& spec) {
    if (spec.user.empty()) {
        return {};
    }
    try {
        const Fd root = open_fd(spec.root.mount_point, O_PATH | O_DIRECTORY);
        return find_user(root.get(), spec.user, spec.ids, spec.image_name);
    } catch (const Error& error) {
        throw CannotStart(k_not_executable, error);
    }
}

void mount_image(const RootPlan& plan) {
    with_context("mounting the image", [&] {
        mount_root(plan);
        check_mount_points(plan.mount_point);
    });
}

/// The plan with the file in it. `plan` is mounted, and will be once more: with other work
/// directories, for the kernel takes those of a volatile overlay only once.
RootPlan with_resolv_conf(const RootPlan& plan, const fs::path& scratch) {
    MountPoints points(scratch / "resolv-conf");
    {
        const Fd root = open_fd(plan.mount_point, O_PATH | O_DIRECTORY);
        points.add_existing(root.get(), "/etc");
    }
    points.add_file("/etc/resolv.conf");
    RootPlan whole = points.on_top_of(plan);
    int count = 0;
    for (OverlayMount& overlay : whole.overlays) {
        if (overlay.changes) {
            overlay.changes->work = scratch / fmt::format("work-{}", ++count);
            make_directories(overlay.changes->work, 0700);
        }
    }
    return whole;
}

}  // namespace

RootFacts prepare_root(const Spec& spec) {
    const fs::path& root = spec.root.mount_point;
    CacheMounts caches(spec.caches, spec.scratch);
    RootPlan plan = spec.root;
    if (!caches.empty()) {
        mount_image(caches.probe_plan(plan));
        mount_fresh_places(root);
        plan = caches.with_mount_points(plan, user_of(spec));
        unmount_root(plan);
    }
    mount_image(plan);
    const bool shows_resolv_conf = spec.network == Network::on && spec.resolv_conf;
    if (shows_resolv_conf && lacks_resolv_conf(plan)) {
        plan = with_resolv_conf(plan, spec.scratch);
        unmount_root(plan);
        mount_image(plan);
    }
    RootFacts facts;
    facts.user = user_of(spec);
    const auto resolv_conf_at = resolv_conf_place(root);
    mount_system_places(root);
    for (const ShownFile& file : spec.files) {
        show_file(root, file);
    }
    if (shows_resolv_conf && resolv_conf_at) {
        show_file(root, {*spec.resolv_conf, *resolv_conf_at});
    }
    mount_secrets(root, spec.secrets, facts.user);
    caches.mount(root, facts.user);
    return facts;
}

}  // namespace mstage::sandbox
