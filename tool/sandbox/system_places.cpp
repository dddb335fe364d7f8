#include "sandbox/system_places.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "sandbox/mount_clone.hpp"

namespace mstage::sandbox {

namespace fs = std::filesystem;

namespace {

// No mount of ours may lack MS_NOSUID: bwrap would mount it once more for that.
void mount_new(const char* type, const fs::path& at, unsigned long flags, const char* options) {
    if (::mount(type, at.c_str(), type, MS_NOSUID | flags, options) != 0) {
        throw SysError(errno, "mounting {} at '{}'", type, at.native());
    }
}

void make_directory(const fs::path& path, mode_t mode) {
    if (::mkdir(path.c_str(), mode) != 0 || ::chmod(path.c_str(), mode) != 0) {
        throw SysError(errno, "making directory '{}'", path.native());
    }
}

/// A device on a read-only mount can be used as ever, but a root who is the machine's to the kernel
/// cannot change its mode or owner.
void show_device(const fs::path& dev, const char* name) {
    const fs::path source = fs::path("/dev") / name;
    struct stat info {};
    if (::stat(source.c_str(), &info) != 0) {
        return;  // a container may lack it
    }
    const Fd place = open_fd(dev / name, O_WRONLY | O_CREAT | O_EXCL, 0444);
    attach_mount(clone_mount(source, CloneRestriction::read_only), place.get());
}

void mount_dev(const fs::path& dev) {
    mount_new("tmpfs", dev, MS_NODEV, "mode=0755");
    for (const char* name : {"null", "zero", "full", "random", "urandom", "tty"}) {
        show_device(dev, name);
    }
    const std::pair<const char*, const char*> links[] = {
        {"/proc/self/fd/0", "stdin"}, {"/proc/self/fd/1", "stdout"}, {"/proc/self/fd/2", "stderr"},
        {"/proc/self/fd", "fd"},      {"/proc/kcore", "core"},       {"pts/ptmx", "ptmx"}};
    for (const auto& [target, name] : links) {
        if (::symlink(target, (dev / name).c_str()) != 0) {
            throw SysError(errno, "making link '{}'", (dev / name).native());
        }
    }
    make_directory(dev / "shm", 01777);
    make_directory(dev / "pts", 0755);
    mount_new("devpts", dev / "pts", MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620");
}

/// Whether there is a file in there, or it is one itself, that root may write and not everybody.
/// Modes and access() are both asked: root may open anything, and need not be the owner's root.
bool only_root_writes(const fs::directory_entry& entry) {
    std::error_code gone;
    const fs::file_status status = entry.symlink_status(gone);
    if (fs::is_directory(status)) {
        const auto options = fs::directory_options::skip_permission_denied;
        fs::directory_iterator entries(entry.path(), options, gone);
        for (; !gone && entries != fs::end(entries); entries.increment(gone)) {
            if (only_root_writes(*entries)) {
                return true;
            }
        }
        return false;
    }
    const auto may = [&](fs::perms who) { return (status.permissions() & who) != fs::perms::none; };
    return fs::is_regular_file(status) && may(fs::perms::owner_write | fs::perms::group_write) &&
           !may(fs::perms::others_write) &&
           ::faccessat(AT_FDCWD, entry.path().c_str(), W_OK, AT_EACCESS) == 0;
}

bool is_process_or_bwraps(const std::string& name) {
    return name.find_first_not_of("0123456789") == std::string::npos || name == "bus" ||
           name == "irq" || name == "sysrq-trigger";
}

}  // namespace

void mount_system_places(const fs::path& root) {
    with_context("mounting the sandbox's own directories", [&] {
        mount_dev(root / "dev");
        mount_new("tmpfs", root / "sys", MS_NODEV | MS_RDONLY, "mode=0555");
        mount_fresh_places(root);
    });
}

void mount_fresh_places(const fs::path& root) {
    mount_new("tmpfs", root / "tmp", MS_NODEV, "mode=1777");
    mount_new("tmpfs", root / "run", MS_NODEV, "mode=0755");
}

void show_file(const fs::path& root, const ShownFile& file) {
    const fs::path at(file.at);
    Fd directory = open_fd(root, O_PATH | O_DIRECTORY);
    for (const fs::path& name : at.parent_path().relative_path()) {
        if (::mkdirat(directory.get(), name.c_str(), 0755) != 0 && errno != EEXIST) {
            throw SysError(errno, "making the directory of '{}'", file.at);
        }
        directory = open_at(directory.get(), name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    }
    const std::string name = at.filename();
    Fd place(::openat(directory.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!place) {
        place = open_at(directory.get(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0444);
    }
    attach_mount(clone_mount(file.source, CloneRestriction::read_only), place.get());
}

std::vector<std::string> writable_proc_places(const fs::path& proc) {
    // Many files, and the kernel's settings are read-only as a whole.
    std::vector<std::string> places = {"sys"};
    for (const fs::directory_entry& entry : fs::directory_iterator(proc)) {
        const std::string name = entry.path().filename();
        if (!is_process_or_bwraps(name) && name != "sys" && only_root_writes(entry)) {
            places.push_back(name);
        }
    }
    std::ranges::sort(places);
    return places;
}

}  // namespace mstage::sandbox
