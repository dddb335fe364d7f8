#include "sandbox/mount_points.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace mstage::sandbox {

namespace fs = std::filesystem;

namespace {

bool is_carried_over(std::string_view attribute) {
    return attribute.starts_with("system.posix_acl_") ||
           (attribute.starts_with("user.") && !attribute.starts_with("user.overlay."));
}

}  // namespace

void MountPoints::add(Entry entry) {
    if (m_known.insert(entry.path).second) {
        m_entries.push_back(std::move(entry));
    }
}

void MountPoints::add_existing(int root, const std::string& path) {
    std::string directory;
    for (const std::string& name : split(path, '/')) {
        if (!name.empty()) {
            directory.append("/").append(name);
        }
        const Fd fd = try_open_in_root(root, directory + "/", O_PATH | O_DIRECTORY);
        struct stat info {};
        if (!fd || ::fstat(fd.get(), &info) != 0) {
            throw SysError(errno, "'{}' in the image", directory);
        }
        add({.path = directory,
             .type = S_IFDIR,
             .mode = info.st_mode & 07777,
             .uid = info.st_uid,
             .gid = info.st_gid,
             .modified = info.st_mtim,
             .attributes = read_xattrs(fd.get(), is_carried_over)});
    }
}

void MountPoints::add_directory(const std::string& path, uid_t uid, gid_t gid) {
    add({.path = path, .type = S_IFDIR, .mode = 0755, .uid = uid, .gid = gid});
}

void MountPoints::add_file(const std::string& path) {
    add({.path = path, .type = S_IFREG, .mode = 0644});
}

void MountPoints::make(const Entry& entry) const {
    const fs::path path = m_layer.native() + entry.path;
    if (entry.type == S_IFDIR) {
        make_directories(path, 0755);
    } else {
        open_fd(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    }
    if (::chown(path.c_str(), entry.uid, entry.gid) != 0 ||
        ::chmod(path.c_str(), entry.mode) != 0) {
        throw SysError(errno, "setting owner and mode of '{}'", path.native());
    }
    for (const auto& [name, value] : entry.attributes) {
        // Not every file system has all of them, and then the image had none either.
        [[maybe_unused]] const int refused =
            ::setxattr(path.c_str(), name.c_str(), value.data(), value.size(), 0);
    }
}

RootPlan MountPoints::on_top_of(const RootPlan& plan) const {
    RootPlan result = plan;
    for (const Entry& entry : m_entries) {
        make(entry);
    }
    // Making something changes the time of the directory that it is in: the deepest first.
    for (auto entry = m_entries.rbegin(); entry != m_entries.rend(); ++entry) {
        if (entry->modified.tv_sec != 0) {
            const timespec times[2] = {entry->modified, entry->modified};
            ::utimensat(AT_FDCWD, (m_layer.native() + entry->path).c_str(), times, 0);
        }
    }
    for (OverlayMount& overlay : result.overlays) {
        const fs::path layer = overlay.at.empty() ? m_layer : m_layer / overlay.at;
        if (!m_entries.empty() && fs::is_directory(layer)) {
            overlay.lowers.insert(overlay.lowers.begin(), layer);
        }
    }
    return result;
}

}  // namespace mstage::sandbox
