#include "archive/attributes.hpp"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "archive/member_path.hpp"
#include "base/error.hpp"

namespace mstage::archive {

namespace {

constexpr size_t k_most_notes = 100;

enum class Fate { keep, skip, ignore };

/// An allow-list: an attribute that we don't know may mean something to the kernel or to overlayfs.
Fate fate_of(std::string_view name) {
    // These would steer the overlay that the tree becomes a layer of: whiteouts, redirects, opaque
    // directories.
    if (name.starts_with("user.overlay.")) {
        return Fate::skip;
    }
    if (name.starts_with("user.") || name == "security.capability" ||
        name == "system.posix_acl_access" || name == "system.posix_acl_default") {
        return Fate::keep;
    }
    // Labels and signatures of the packing machine's policy: on every file where there are any, and
    // for no other machine.
    if (name == "security.selinux" || name == "security.ima" || name == "security.evm") {
        return Fate::ignore;
    }
    return Fate::skip;
}

/// File capabilities of version 3 name the user namespace that they were set in. The kernel makes
/// version 3 out of version 2 for the namespace that we are in, which is the one that they shall
/// work in.
std::string without_namespace(const std::string& capability) {
    vfs_ns_cap_data data{};
    if (capability.size() != sizeof data) {
        return capability;
    }
    std::memcpy(&data, capability.data(), sizeof data);
    if ((data.magic_etc & VFS_CAP_REVISION_MASK) != VFS_CAP_REVISION_3) {
        return capability;
    }
    data.magic_etc = VFS_CAP_REVISION_2 | (data.magic_etc & VFS_CAP_FLAGS_MASK);
    std::string version_2(XATTR_CAPS_SZ_2, '\0');
    std::memcpy(version_2.data(), &data, version_2.size());
    return version_2;
}

void set_xattr(int fd, std::string_view name, const Xattr& xattr, Imported& result) {
    const std::string value =
        xattr.name == "security.capability" ? without_namespace(xattr.value) : xattr.value;
    if (::fsetxattr(fd, xattr.name.c_str(), value.data(), value.size(), 0) == 0) {
        return;
    }
    // The file system keeps none, or we may not: the tree is of use without. Anything else is a
    // fault.
    if (errno != EOPNOTSUPP && errno != EPERM) {
        throw SysError(errno, "setting extended attribute '{}'", printable(xattr.name));
    }
    note_skipped(result, fmt::format("attribute '{}' of", printable(xattr.name)), name,
                 errno == EPERM ? "not permitted" : "the file system keeps none");
}

void note_skipped_xattr(const Xattr& xattr, std::string_view name, Imported& result) {
    note_skipped(result, fmt::format("attribute '{}' of", printable(xattr.name)), name);
}

void apply_xattr(int fd, std::string_view name, const Xattr& xattr, Imported& result) {
    switch (fate_of(xattr.name)) {
        case Fate::keep:
            set_xattr(fd, name, xattr, result);
            break;
        case Fate::skip:
            note_skipped_xattr(xattr, name, result);
            break;
        case Fate::ignore:
            break;
    }
}

}  // namespace

bool is_kept_attribute(std::string_view name) {
    return fate_of(name) == Fate::keep;
}

void note_skipped(Imported& result, std::string_view what, std::string_view name,
                  std::string_view reason) {
    ++result.skipped_count;
    if (result.skipped.size() < k_most_notes) {
        result.skipped.push_back(
            fmt::format("{} '{}'{}{}", what, printable(name), reason.empty() ? "" : ": ", reason));
    }
}

void apply_owner(int parent, const char* name, const Attributes& attributes,
                 const Options& options) {
    const bool has_owner = attributes.owner != Attributes::k_leave_owner ||
                           attributes.group != Attributes::k_leave_owner;
    if (!options.keep_owners || !has_owner ||
        ::fchownat(parent, name, attributes.owner, attributes.group,
                   AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0) {
        return;
    }
    if (errno == EINVAL) {
        throw with_hint(SysError(EINVAL,
                                 "giving it to user {}, group {}, which this user namespace does "
                                 "not map",
                                 attributes.owner, attributes.group),
                        "give yourself more subordinate ids in /etc/subuid and /etc/subgid: "
                        "usermod --add-subuids FIRST-LAST --add-subgids FIRST-LAST USER");
    }
    throw SysError(errno, "giving it to user {}, group {}", attributes.owner, attributes.group);
}

FileTimes::FileTimes(const timespec& mtime) : values{{0, UTIME_OMIT}, mtime} {
    // Beyond this the call fails; seconds that the file system can't hold are clamped by the
    // kernel.
    values[1].tv_nsec = std::clamp(mtime.tv_nsec, 0L, 999'999'999L);
}

void apply_attributes(int fd, std::string_view name, const Attributes& attributes,
                      const Options& options, Imported& result) {
    const auto is_of_user = [](const Xattr& xattr) { return xattr.name.starts_with("user."); };
    apply_owner(fd, "", attributes, options);
    // Who is not root may set these only while the mode lets him write, and chmod() does not touch
    // them.
    for (const Xattr& xattr : attributes.xattrs) {
        if (is_of_user(xattr)) {
            apply_xattr(fd, name, xattr, result);
        }
    }
    // In the form of overlays that are mounted in user namespaces.
    if (attributes.opaque && ::fsetxattr(fd, "user.overlay.opaque", "y", 1, 0) != 0) {
        throw SysError(errno, "making it opaque");
    }
    if (::fchmod(fd, attributes.mode) != 0) {
        throw SysError(errno, "setting mode {:04o}", attributes.mode);
    }
    for (const Xattr& xattr : attributes.xattrs) {
        if (!is_of_user(xattr)) {
            apply_xattr(fd, name, xattr, result);
        }
    }
    if (attributes.mtime && ::futimens(fd, FileTimes(*attributes.mtime).values) != 0) {
        throw SysError(errno, "setting its time");
    }
}

void note_skipped_xattrs(std::string_view name, const Attributes& attributes, Imported& result) {
    for (const Xattr& xattr : attributes.xattrs) {
        if (fate_of(xattr.name) != Fate::ignore) {
            note_skipped_xattr(xattr, name, result);
        }
    }
}

}  // namespace mstage::archive
