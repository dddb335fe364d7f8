#include "archive/read_attributes.hpp"

#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "archive/member_path.hpp"
#include "base/error.hpp"

namespace mstage::archive {

namespace {

/// A value can grow between asking for its size and reading it; such a file is being changed under
/// us.
std::string xattr_value(int fd, const char* name) {
    const ssize_t size = ::fgetxattr(fd, name, nullptr, 0);
    std::string value(static_cast<size_t>(std::max<ssize_t>(size, 0)), '\0');
    if (size < 0 || ::fgetxattr(fd, name, value.data(), value.size()) != size) {
        throw SysError(errno, "reading extended attribute '{}'", printable(name));
    }
    return value;
}

std::vector<Xattr> xattrs_of(int fd) {
    const ssize_t size = ::flistxattr(fd, nullptr, 0);
    if (size <= 0) {
        return {};
    }
    std::string names(static_cast<size_t>(size), '\0');
    const ssize_t length = ::flistxattr(fd, names.data(), names.size());
    std::vector<Xattr> xattrs;
    for (ssize_t at = 0; at < length;) {
        const char* name = names.data() + at;
        xattrs.push_back({name, xattr_value(fd, name)});
        at += static_cast<ssize_t>(xattrs.back().name.size()) + 1;
    }
    return xattrs;
}

}  // namespace

struct statx look_at(int directory, const std::string& name) {
    struct statx info {};
    if (::statx(directory, name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH,
                STATX_BASIC_STATS, &info) != 0) {
        throw SysError(errno, "looking at it");
    }
    return info;
}

Attributes attributes_of(const struct statx& info) {
    Attributes attributes;
    attributes.mode = info.stx_mode & 07777;
    attributes.owner = info.stx_uid;
    attributes.group = info.stx_gid;
    attributes.mtime = timespec{info.stx_mtime.tv_sec, static_cast<long>(info.stx_mtime.tv_nsec)};
    return attributes;
}

Attributes attributes_of(const struct statx& info, int fd) {
    Attributes attributes = attributes_of(info);
    attributes.xattrs = xattrs_of(fd);
    return attributes;
}

std::string read_link(int directory, const std::string& name) {
    std::string target(PATH_MAX, '\0');
    const ssize_t length = ::readlinkat(directory, name.c_str(), target.data(), target.size());
    if (length < 0) {
        throw SysError(errno, "reading the symbolic link");
    }
    target.resize(static_cast<size_t>(length));
    return target;
}

}  // namespace mstage::archive
