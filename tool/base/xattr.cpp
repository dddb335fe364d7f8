#include "base/xattr.hpp"

#include <fcntl.h>
#include <sys/xattr.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mstage {

namespace {

/// fgetxattr() and its like refuse descriptors of O_PATH, the names in /proc do not.
struct OpenFile {
    explicit OpenFile(int descriptor) : fd(descriptor) {
        if ((::fcntl(fd, F_GETFL) & O_PATH) != 0) {
            path = fmt::format("/proc/self/fd/{}", fd);
        }
    }
    ssize_t list(char* names, size_t size) const {
        return path.empty() ? ::flistxattr(fd, names, size)
                            : ::listxattr(path.c_str(), names, size);
    }
    ssize_t get(const char* name, char* value, size_t size) const {
        return path.empty() ? ::fgetxattr(fd, name, value, size)
                            : ::getxattr(path.c_str(), name, value, size);
    }

    int fd;
    std::string path{};
};

/// A value can grow between asking for its size and reading it; such a file is being changed under
/// us.
std::string value_of(const OpenFile& file, const char* name) {
    const ssize_t size = file.get(name, nullptr, 0);
    std::string value(static_cast<size_t>(std::max<ssize_t>(size, 0)), '\0');
    if (size < 0 || file.get(name, value.data(), value.size()) != size) {
        throw SysError(errno, "reading extended attribute '{}'", escape_control(name));
    }
    return value;
}

}  // namespace

std::vector<Xattr> read_xattrs(int fd,
                               const std::function<bool(std::string_view name)>& is_wanted) {
    const OpenFile file(fd);
    const ssize_t size = file.list(nullptr, 0);
    if (size <= 0) {
        return {};
    }
    std::string names(static_cast<size_t>(size), '\0');
    const ssize_t length = file.list(names.data(), names.size());
    std::vector<Xattr> xattrs;
    for (ssize_t at = 0; at < length;) {
        std::string name = names.data() + at;
        at += static_cast<ssize_t>(name.size()) + 1;
        if (!is_wanted || is_wanted(name)) {
            std::string value = value_of(file, name.c_str());
            xattrs.push_back({std::move(name), std::move(value)});
        }
    }
    return xattrs;
}

}  // namespace mstage
