#include "archive/read_attributes.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "archive/member_path.hpp"
#include "base/error.hpp"

namespace mstage::archive {

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
    attributes.xattrs = read_xattrs(fd);
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
