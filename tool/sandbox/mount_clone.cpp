#include "sandbox/mount_clone.hpp"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"

// <sys/mount.h>, which has wrappers, does not go with <linux/mount.h> in glibc 2.36.
namespace mstage::sandbox {

Fd clone_mount(const std::filesystem::path& source, CloneRestriction restriction) {
    Fd clone(static_cast<int>(
        ::syscall(SYS_open_tree, AT_FDCWD, source.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
    if (!clone) {
        throw SysError(errno, "taking '{}'", source.native());
    }
    mount_attr attributes{};
    attributes.attr_set = restriction == CloneRestriction::read_only
                              ? MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID
                              : MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    if (::syscall(SYS_mount_setattr, clone.get(), "", AT_EMPTY_PATH, &attributes,
                  sizeof attributes) != 0) {
        throw SysError(errno, "restricting '{}'", source.native());
    }
    return clone;
}

void attach_mount(const Fd& clone, int target) {
    if (::syscall(SYS_move_mount, clone.get(), "", target, "",
                  MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0) {
        throw SysError(errno, "mounting a clone");
    }
}

}  // namespace mstage::sandbox
