#include "archive/oci/lower_tree.hpp"

#include <fcntl.h>

#include <cerrno>

#include "archive/confined_open.hpp"
#include "archive/member_path.hpp"
#include "base/error.hpp"

namespace mstage::archive {

Fd LowerTree::try_open(const std::string& path, int flags) {
    if (!m_opened) {
        m_root = m_open ? m_open() : Fd();
        m_opened = true;
    }
    if (!m_root) {
        errno = ENOENT;
        return Fd();
    }
    return open_confined(m_root.get(), path, flags | O_NOFOLLOW, Links::refused);
}

Fd LowerTree::open(const std::string& path, int flags) {
    m_consulted = true;
    Fd fd = try_open(path, flags);
    if (!fd) {
        throw SysError(errno, "opening '{}' of the layers below", printable(path));
    }
    return fd;
}

std::optional<struct statx> LowerTree::find(const std::string& path) {
    m_consulted = true;
    const auto slash = path.rfind('/');
    const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash);
    const Fd directory = try_open(parent, O_PATH | O_DIRECTORY);
    if (!directory) {
        if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) {
            return std::nullopt;
        }
        throw SysError(errno, "looking at '{}' of the layers below", printable(path));
    }
    try {
        return look_at(directory.get(), slash == std::string::npos ? path : path.substr(slash + 1));
    } catch (const SysError& error) {
        if (error.number() == ENOENT) {
            return std::nullopt;
        }
        throw;
    }
}

std::optional<Attributes> LowerTree::attributes_of_directory(const std::string& path) {
    m_consulted = m_consulted || !path.empty();
    const Fd directory = try_open(path, O_RDONLY | O_DIRECTORY);
    if (!directory) {
        return std::nullopt;
    }
    return attributes_of(look_at(directory.get(), ""), directory.get());
}

std::string LowerTree::link_target(const std::string& path) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) {
        return read_link(open("", O_PATH | O_DIRECTORY).get(), path);
    }
    return read_link(open(path.substr(0, slash), O_PATH | O_DIRECTORY).get(),
                     path.substr(slash + 1));
}

std::vector<std::string> LowerTree::names(const std::string& path) {
    m_consulted = true;
    Fd directory = try_open(path, O_RDONLY | O_DIRECTORY);
    return directory ? names_in_directory(std::move(directory)) : std::vector<std::string>();
}

}  // namespace mstage::archive
