#include "archive/confined_open.hpp"

#include <fcntl.h>
#include <linux/openat2.h>

#include <climits>
#include <string>

namespace mstage::archive {

namespace {

Fd open_piece(int root, const std::string& path, int flags, std::uint64_t resolve) {
    return try_openat2(root, path, flags, resolve | RESOLVE_NO_MAGICLINKS);
}

/// Takes as much of `path` as fits into one system call.
std::string take_piece(std::string_view& path) {
    if (path.size() < PATH_MAX) {
        return std::string(std::exchange(path, {}));
    }
    const size_t slash = path.rfind('/', PATH_MAX - 1);
    // Without a slash the one component is too long for any file system, which the kernel will say.
    std::string piece(path.substr(0, slash));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    return piece;
}

}  // namespace

Fd open_confined(int root, std::string_view path, int flags, Links links, Mounts mounts) {
    const std::uint64_t borders = mounts == Mounts::refused ? RESOLVE_NO_XDEV : 0;
    const std::uint64_t no_links = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | borders;
    if (path.size() < PATH_MAX) {
        return open_piece(root, path.empty() ? "." : std::string(path), flags,
                          links == Links::refused ? no_links : RESOLVE_IN_ROOT | borders);
    }
    // In pieces: each would take the one before for its root, so a link could not be resolved
    // rightly.
    Fd at;
    while (!path.empty()) {
        const std::string piece = take_piece(path);
        at = open_piece(at ? at.get() : root, piece, path.empty() ? flags : O_PATH | O_DIRECTORY,
                        no_links);
        if (!at) {
            break;
        }
    }
    return at;
}

}  // namespace mstage::archive
