#include "sandbox/root_plan.hpp"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

// <sys/mount.h> and <linux/mount.h> of glibc 2.36 define the same names; the old mount(2) flags are
// not needed here.
#include "base/error.hpp"
#include "base/fd.hpp"

namespace mstage::sandbox {

namespace fs = std::filesystem;

namespace {

// glibc has wrappers for these only since 2.36.
int sys_fsopen(const char* type, unsigned flags) {
    return static_cast<int>(::syscall(SYS_fsopen, type, flags));
}
int sys_fsconfig(int fd, unsigned command, const char* key, const void* value) {
    return static_cast<int>(::syscall(SYS_fsconfig, fd, command, key, value, 0));
}
int sys_fsmount(int fd, unsigned flags, unsigned attributes) {
    return static_cast<int>(::syscall(SYS_fsmount, fd, flags, attributes));
}
int sys_open_tree(int dir, const char* path, unsigned flags) {
    return static_cast<int>(::syscall(SYS_open_tree, dir, path, flags));
}
int sys_move_mount(int from, const char* to) {
    return static_cast<int>(
        ::syscall(SYS_move_mount, from, "", AT_FDCWD, to, MOVE_MOUNT_F_EMPTY_PATH));
}

/// What the kernel wrote to the log of a file system context: it says more than errno.
std::string kernel_message(int context) {
    std::string text;
    char line[1024];
    while (true) {
        const ssize_t count = ::read(context, line, sizeof line);
        if (count <= 0) {
            return text;
        }
        // "e overlay: text", the first letter being the severity.
        const std::string_view message(line, static_cast<size_t>(count));
        text += fmt::format(" ({})", message.substr(std::min<size_t>(2, message.size())));
    }
}

/// With a backslash before each of `special`, which must hold the backslash. "upperdir" and "workdir" want that (though no
/// list), "lowerdir" wants it for its separators too, "lowerdir+" is taken as it is.
std::string escaped(const std::string& path, std::string_view special) {
    std::string text;
    for (const char c : path) {
        text += special.find(c) != std::string_view::npos ? "\\" : "";
        text += c;
    }
    return text;
}

class OverlayContext {
public:
    OverlayContext() : m_fd(sys_fsopen("overlay", FSOPEN_CLOEXEC)) {
        if (!m_fd) {
            throw with_hint(SysError(errno, "using overlayfs in a user namespace"),
                            "the kernel needs overlayfs and Linux 5.13 or newer");
        }
    }

    void set(const char* key, const std::string& value) {
        check(sys_fsconfig(m_fd.get(), FSCONFIG_SET_STRING, key, value.c_str()), key, value);
    }
    void set_flag(const char* key) {
        check(sys_fsconfig(m_fd.get(), FSCONFIG_SET_FLAG, key, nullptr), key, "");
    }
    /// One at a time: the list in one option is cut off at 4 KiB without an error.
    void add_lowers(const std::vector<fs::path>& lowers) {
        for (const fs::path& lower : lowers) {
            if (sys_fsconfig(m_fd.get(), FSCONFIG_SET_STRING, "lowerdir+", lower.c_str()) == 0) {
                continue;
            }
            if (&lower == lowers.data() && errno == EINVAL) {
                return set("lowerdir", joined(lowers));  // Linux before 6.8
            }
            check(-1, "lowerdir+", lower.native());
        }
    }
    Fd mount(bool read_only) {
        check(sys_fsconfig(m_fd.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr), "mounting", "");
        Fd mounted(sys_fsmount(
            m_fd.get(), FSMOUNT_CLOEXEC,
            MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | (read_only ? MOUNT_ATTR_RDONLY : 0U)));
        check(mounted.get(), "mounting", "");
        return mounted;
    }

private:
    void check(int result, const char* what, const std::string& operand) {
        if (result < 0) {
            const int number = errno;
            throw SysError(number, "overlay: {} '{}'{}", what, operand, kernel_message(m_fd.get()));
        }
    }
    static std::string joined(const std::vector<fs::path>& lowers) {
        std::string text;
        for (const fs::path& lower : lowers) {
            text.append(text.empty() ? "" : ":").append(escaped(lower.native(), ":\\"));
        }
        if (text.size() > 4000) {
            throw with_hint(Error("an image of {} layers cannot be mounted", lowers.size()),
                            "Linux 6.8 or newer has no such limit");
        }
        return text;
    }

    Fd m_fd;
};

void mount_overlay(const OverlayMount& overlay, const fs::path& target) {
    if (overlay.lowers.size() > k_max_lowers) {
        throw Error("an image of {} layers cannot be mounted, {} is the most",
                    overlay.lowers.size(), k_max_lowers);
    }
    OverlayContext context;
    context.set("source", "mstage");
    // trusted.* attributes are not for user namespaces. This also keeps the kernel from writing
    // redirects and metacopies, with which a layer would not stand for itself.
    context.set_flag("userxattr");
    context.add_lowers(overlay.lowers);
    if (overlay.changes) {
        // Else unmounting writes the whole file system of the upper directory to disk. What becomes
        // of the changes, and when they are to be on disk, is the caller's to know.
        context.set_flag("volatile");
        context.set("upperdir", escaped(overlay.changes->upper.native(), "\\"));
        context.set("workdir", escaped(overlay.changes->work.native(), "\\"));
    }
    const Fd mounted = context.mount(!overlay.changes);
    if (sys_move_mount(mounted.get(), target.c_str()) != 0) {
        throw SysError(errno, "mounting at '{}'", target.native());
    }
}

void bind_read_only(const ReadOnlyBind& bind, const fs::path& target) {
    const Fd tree(sys_open_tree(AT_FDCWD, bind.source.c_str(),
                                OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE));
    if (!tree) {
        throw SysError(errno, "taking '{}'", bind.source.native());
    }
    mount_attr attributes{};
    attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    if (::syscall(SYS_mount_setattr, tree.get(), "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes,
                  sizeof attributes) != 0) {
        throw SysError(errno, "making '{}' read-only", bind.source.native());
    }
    if (sys_move_mount(tree.get(), target.c_str()) != 0) {
        throw SysError(errno, "showing '{}' at '{}'", bind.source.native(), target.native());
    }
}

}  // namespace

void mount_root(const RootPlan& plan) {
    for (const OverlayMount& overlay : plan.overlays) {
        mount_overlay(overlay, plan.mount_point / overlay.at);
    }
    for (const ReadOnlyBind& bind : plan.binds) {
        bind_read_only(bind, plan.mount_point / bind.at);
    }
}

void unmount_root(const RootPlan& plan) {
    constexpr int k_detach = 2;  // MNT_DETACH
    if (::syscall(SYS_umount2, plan.mount_point.c_str(), k_detach) != 0) {
        throw SysError(errno, "unmounting '{}'", plan.mount_point.native());
    }
}

}  // namespace mstage::sandbox
