#include "engine/local/image_tree.hpp"

#include <fcntl.h>
#include <fnmatch.h>
#include <unistd.h>

#include <optional>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/staging_directory.hpp"
#include "base/text.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

char type_letter(mode_t mode) {
    switch (mode & S_IFMT) {
        case S_IFREG:
            return 'f';
        case S_IFDIR:
            return 'd';
        case S_IFLNK:
            return 'l';
        case S_IFIFO:
            return 'p';
        case S_IFSOCK:
            return 's';
        case S_IFCHR:
            return 'c';
        default:
            return 'b';
    }
}

std::string link_target(int fd) {
    std::string target(4096, '\0');
    const ssize_t size = ::readlinkat(fd, "", target.data(), target.size());
    target.resize(size < 0 ? 0 : static_cast<size_t>(size));
    return target;
}

bool has_wildcard(const std::string& text) {
    return text.find_first_of("*?[") != std::string::npos;
}

}  // namespace

std::string ImageTree::joined(const std::string& directory, const std::string& name) {
    return directory.ends_with('/') ? directory + name : directory + "/" + name;
}

Fd ImageTree::open(const std::string& path, int flags) const {
    Fd fd = try_open_in_root(m_root, path, flags);
    if (!fd) {
        throw SysError(errno, "'{}' in the image", path);
    }
    return fd;
}

Fd ImageTree::try_open(const std::string& path, int flags) const {
    return try_open_in_root(m_root, path, flags);
}

struct stat ImageTree::status(const std::string& path) const {
    const Fd fd = open(path, O_PATH | O_NOFOLLOW);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) {
        throw SysError(errno, "'{}' in the image", path);
    }
    return info;
}

FileInfo ImageTree::describe(const std::string& path) const {
    const Fd fd = open(path, O_PATH | O_NOFOLLOW);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) {
        throw SysError(errno, "'{}' in the image", path);
    }
    return describe(path, fd.get(), info);
}

FileInfo ImageTree::describe(const std::string& path, int fd, const struct stat& info) {
    FileInfo file{.path = path,
                  .type = type_letter(info.st_mode),
                  .mode = info.st_mode & 07777,
                  .uid = info.st_uid,
                  .gid = info.st_gid,
                  .size = static_cast<std::uint64_t>(info.st_size),
                  .mtime = TimePoint(std::chrono::duration_cast<TimePoint::duration>(
                      std::chrono::seconds(info.st_mtim.tv_sec) +
                      std::chrono::nanoseconds(info.st_mtim.tv_nsec))),
                  .target = ""};
    if (file.type == 'l') {
        file.target = link_target(fd);
    }
    return file;
}

std::vector<std::string> ImageTree::names(const std::string& directory) const {
    return names_in_directory(open(directory, O_RDONLY | O_DIRECTORY));
}

std::optional<std::string> ImageTree::real_path(const std::string& path) const {
    const auto name_of = [](int fd) {
        return fs::read_symlink(fmt::format("/proc/self/fd/{}", fd)).native();
    };
    const auto place_of = [&](const std::string& directory) -> std::optional<std::string> {
        const Fd fd = try_open_in_root(m_root, directory, O_PATH | O_DIRECTORY);
        if (!fd) {
            return std::nullopt;
        }
        const std::string place = name_of(fd.get()).substr(name_of(m_root).size());
        return place.empty() ? "/" : place;
    };
    if (const auto place = place_of(path)) {
        return place;
    }
    const fs::path given(path);
    const auto place = place_of(given.parent_path().native());
    if (!place || !try_open_in_root(m_root, path, O_PATH | O_NOFOLLOW)) {
        return std::nullopt;
    }
    return joined(*place, given.filename().native());
}

void ImageTree::list_directory(const std::string& path, bool recursive,
                               std::vector<FileInfo>& files) const {
    for (const std::string& name : names(path)) {
        files.push_back(describe(joined(path, name)));
        if (recursive && files.back().type == 'd') {
            list_directory(joined(path, name), recursive, files);
        }
    }
}

std::vector<FileInfo> ImageTree::list(const std::string& path, bool recursive) const {
    const Fd target = open(path, O_PATH);
    struct stat info {};
    ::fstat(target.get(), &info);
    if (!S_ISDIR(info.st_mode)) {
        return {describe(path)};
    }
    std::vector<FileInfo> files;
    list_directory(path, recursive, files);
    return files;
}

void ImageTree::write_file_to(const std::string& path, int out) const {
    // Not blocking: the image may have a FIFO there.
    const Fd fd = open(path, O_RDONLY | O_NONBLOCK);
    struct stat info {};
    ::fstat(fd.get(), &info);
    if (!S_ISREG(info.st_mode)) {
        throw Error("'{}' in the image is not a regular file", path);
    }
    read_in_pieces(fd.get(), [&](std::string_view piece) { write_all(out, piece); });
}

std::vector<std::string> ImageTree::glob(const std::string& pattern) const {
    std::vector<std::string> matches = {"/"};
    for (const std::string& part : split(pattern, '/')) {
        if (part.empty()) {
            continue;
        }
        std::vector<std::string> next;
        for (const std::string& parent : matches) {
            if (!has_wildcard(part)) {
                if (try_open_in_root(m_root, joined(parent, part), O_PATH | O_NOFOLLOW)) {
                    next.push_back(joined(parent, part));
                }
                continue;
            }
            Fd directory = try_open_in_root(m_root, parent, O_RDONLY | O_DIRECTORY);
            if (!directory) {
                continue;
            }
            for (const std::string& name : names_in_directory(std::move(directory))) {
                if (::fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) == 0) {
                    next.push_back(joined(parent, name));
                }
            }
        }
        matches = std::move(next);
    }
    return matches;
}

namespace {

dev_t device_of(const fs::path& directory) {
    struct stat info {};
    if (::stat(directory.c_str(), &info) != 0) {
        throw SysError(errno, "looking at '{}'", directory.native());
    }
    return info.st_dev;
}

/// Files on their way are in a directory by themselves: among people's own nobody could tell what a
/// killed copy left.
class TreeCopy {
public:
    TreeCopy(const ImageTree& tree, const fs::path& directory, const CopyRules& rules)
        : m_tree(tree), m_staging(directory), m_device(device_of(directory)), m_rules(rules) {}

    void copy_entry(const std::string& source, const fs::path& destination) {
        if (m_rules.guard) {
            m_rules.guard(destination);
        }
        const struct stat info = m_tree.status(source);
        if (S_ISDIR(info.st_mode)) {
            copy_directory(source, info, destination);
        } else if (S_ISLNK(info.st_mode)) {
            copy_link(source, destination);
            m_written.push_back(destination);
        } else if (S_ISREG(info.st_mode)) {
            copy_file(source, info, destination);
            m_written.push_back(destination);
        } else if (m_rules.other_types == NoMatch::error) {
            throw Error("'{}' in the image is neither file, directory nor link", source);
        }
    }
    std::vector<fs::path> take_written() { return std::move(m_written); }

private:
    void copy_file(const std::string& source, const struct stat& info,
                   const fs::path& destination) {
        // Something may be mounted below the destination.
        const bool is_near = device_of(destination.parent_path()) == m_device;
        // Links may be what an earlier copy left: nothing is written through them.
        AtomicFile out(destination, NameIsLink::replaced,
                       is_near ? m_staging.path() : destination.parent_path());
        with_context(fmt::format("copying to '{}'", destination.native()),
                     [&] { m_tree.write_file_to(source, out.fd()); });
        const timespec times[2] = {info.st_mtim, info.st_mtim};
        // Set-id bits would now be the caller's.
        ::fchmod(out.fd(), info.st_mode & 0777);
        ::futimens(out.fd(), times);
        out.commit();
    }

    void copy_link(const std::string& source, const fs::path& destination) const {
        const std::string target = link_target(m_tree.open(source, O_PATH | O_NOFOLLOW).get());
        if (!fs::is_directory(fs::symlink_status(destination))) {
            ::unlink(destination.c_str());
        }
        if (::symlink(target.c_str(), destination.c_str()) != 0) {
            throw SysError(errno, "making link '{}'", destination.native());
        }
        if (m_rules.made_link) {
            m_rules.made_link(destination);
        }
    }

    void copy_directory(const std::string& source, const struct stat& info,
                        const fs::path& destination) {
        // A link in the way could lead anywhere: what the image has there is a directory, so that is
        // what is made.
        if (fs::is_symlink(destination)) {
            ::unlink(destination.c_str());
        }
        const bool made = ::mkdir(destination.c_str(), 0700) == 0;
        if (!made && errno != EEXIST) {
            throw SysError(errno, "making directory '{}'", destination.native());
        }
        for (const std::string& name : m_tree.names(source)) {
            copy_entry(ImageTree::joined(source, name), destination / name);
        }
        if (made) {
            const timespec times[2] = {info.st_mtim, info.st_mtim};
            ::chmod(destination.c_str(), info.st_mode & 0777);
            ::utimensat(AT_FDCWD, destination.c_str(), times, 0);
        }
    }

    const ImageTree& m_tree;
    StagingDirectory m_staging;
    dev_t m_device;
    const CopyRules& m_rules;
    std::vector<fs::path> m_written;
};

}  // namespace

std::vector<fs::path> copy_from_tree(const ImageTree& tree, const std::string& source,
                                     const fs::path& destination, const CopyRules& rules) {
    // In what is there already, which can be all that we may write to.
    const bool is_there = fs::is_directory(fs::symlink_status(destination));
    if (!is_there && S_ISREG(tree.status(source).st_mode)) {
        // What is refused is refused before anything is made beside it.
        file_to_replace(destination, NameIsLink::replaced);
    }
    std::optional<TreeCopy> copy;
    with_context(fmt::format("copying to '{}'", destination.native()), [&] {
        copy.emplace(tree, is_there ? destination : destination.parent_path(), rules);
    });
    copy->copy_entry(source, destination);
    return copy->take_written();
}

}  // namespace mstage::engine
