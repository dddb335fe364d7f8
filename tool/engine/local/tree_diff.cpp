#include "engine/local/tree_diff.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "archive/attributes.hpp"
#include "base/error.hpp"
#include "base/xattr.hpp"

namespace mstage::engine {

namespace {

/// A thing of an image, found but not read.
struct Found {
    FileInfo file;
    struct stat info {};
};

std::optional<Found> find(const ImageTree& tree, const std::string& path) {
    const Fd fd = tree.try_open(path, O_PATH | O_NOFOLLOW);
    if (!fd) {
        if (errno == ENOENT || errno == ENOTDIR) {
            return std::nullopt;
        }
        throw SysError(errno, "'{}' in the image", path);
    }
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) {
        throw SysError(errno, "'{}' in the image", path);
    }
    return Found{ImageTree::describe(path, fd.get(), info), info};
}

bool same_time(const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/// Whether both are one file of one layer, so that nothing can differ: overlays show the inode and
/// the ctime, which nobody can set, of what lies below.
bool is_one_file(const struct stat& a, const struct stat& b) {
    return !S_ISDIR(a.st_mode) && a.st_ino == b.st_ino && a.st_size == b.st_size &&
           same_time(a.st_ctim, b.st_ctim) && same_time(a.st_mtim, b.st_mtim) &&
           a.st_mode == b.st_mode && a.st_uid == b.st_uid && a.st_gid == b.st_gid;
}

/// Fills the buffer as far as the file goes.
size_t read_full(int fd, std::string& buffer) {
    size_t size = 0;
    while (size < buffer.size()) {
        const ssize_t count = ::read(fd, buffer.data() + size, buffer.size() - size);
        if (count < 0 && errno != EINTR) {
            throw SysError(errno, "reading");
        }
        if (count == 0) {
            break;
        }
        size += static_cast<size_t>(std::max<ssize_t>(count, 0));
    }
    return size;
}

bool same_content(int a, int b) {
    std::string left(k_piece_size, '\0');
    std::string right(k_piece_size, '\0');
    while (true) {
        const size_t size = read_full(a, left);
        if (read_full(b, right) != size || left.compare(0, size, right, 0, size) != 0) {
            return false;
        }
        if (size < left.size()) {
            return true;
        }
    }
}

std::vector<Xattr> attributes_of(const ImageTree& tree, const std::string& path) {
    // Not blocking: there may be a FIFO, though only files and directories are asked for.
    const Fd fd = tree.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    std::vector<Xattr> xattrs = read_xattrs(fd.get(), archive::is_kept_attribute);
    std::ranges::sort(xattrs, {}, &Xattr::name);
    return xattrs;
}

class TreeDiff {
public:
    TreeDiff(const ImageTree& before, const ImageTree& after, Times times)
        : m_before(before), m_after(after), m_times(times) {}

    struct In {
        bool before;
        bool after;
    };

    /// `in` says which of the trees can have something of that name; without `touched` all is looked
    /// at.
    void compare(const std::string& path, In in, const TouchedPaths* touched) {
        const In directory = note(path, in);
        if (!directory.before && !directory.after) {
            return;
        }
        const bool whole =
            touched == nullptr || touched->whole || directory.before != directory.after;
        if (!whole) {
            for (const auto& [name, child] : touched->children) {
                compare(ImageTree::joined(path, name), directory, child.get());
            }
            return;
        }
        for (const std::string& name : names(path, directory)) {
            compare(ImageTree::joined(path, name), directory, nullptr);
        }
    }

    std::vector<FileChange> take() { return std::move(m_changes); }

private:
    std::vector<std::string> names(const std::string& path, In directory) const {
        const auto names_in = [&](const ImageTree& tree, bool is_there) {
            return is_there ? tree.names(path) : std::vector<std::string>();
        };
        const std::vector<std::string> before = names_in(m_before, directory.before);
        const std::vector<std::string> after = names_in(m_after, directory.after);
        std::vector<std::string> all;
        std::ranges::set_union(before, after, std::back_inserter(all));
        return all;
    }

    /// Says what became of the thing itself. Returns in which trees it is a directory.
    In note(const std::string& path, In in) {
        auto before = in.before ? find(m_before, path) : std::nullopt;
        auto after = in.after ? find(m_after, path) : std::nullopt;
        FileChange change;
        if (before && after) {
            change.aspects = aspects(*before, *after);
        }
        const bool changed = !change.aspects.empty() || before.has_value() != after.has_value();
        const auto is_directory = [](const std::optional<Found>& found) {
            return found && S_ISDIR(found->info.st_mode);
        };
        const In directory{is_directory(before), is_directory(after)};
        if (changed) {
            if (before) {
                change.before = std::move(before->file);
            }
            if (after) {
                change.after = std::move(after->file);
            }
            m_changes.push_back(std::move(change));
        }
        return directory;
    }

    std::vector<Aspect> aspects(const Found& before, const Found& after) const {
        std::vector<Aspect> found;
        if (is_one_file(before.info, after.info)) {
            return found;
        }
        const FileInfo& a = before.file;
        const FileInfo& b = after.file;
        const auto note_if = [&](bool differs, Aspect aspect) {
            if (differs) {
                found.push_back(aspect);
            }
        };
        const bool same_type = a.type == b.type;
        const bool has_data = a.type == 'f' || a.type == 'd';
        note_if(!same_type, Aspect::type);
        note_if(same_type && differs_in_content(before, after), Aspect::content);
        // Nobody can choose the mode of a link.
        note_if(a.mode != b.mode && a.type != 'l' && b.type != 'l', Aspect::mode);
        note_if(a.uid != b.uid || a.gid != b.gid, Aspect::owner);
        note_if(same_type && a.target != b.target, Aspect::target);
        note_if(same_type && has_data &&
                    attributes_of(m_before, a.path) != attributes_of(m_after, a.path),
                Aspect::attributes);
        note_if(m_times == Times::compared && a.mtime != b.mtime, Aspect::times);
        return found;
    }

    bool differs_in_content(const Found& before, const Found& after) const {
        if (S_ISREG(before.info.st_mode)) {
            return before.info.st_size != after.info.st_size ||
                   !same_content(open(m_before, before).get(), open(m_after, after).get());
        }
        const bool is_device = S_ISCHR(before.info.st_mode) || S_ISBLK(before.info.st_mode);
        return is_device && before.info.st_rdev != after.info.st_rdev;
    }

    static Fd open(const ImageTree& tree, const Found& found) {
        return tree.open(found.file.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    }

    const ImageTree& m_before;
    const ImageTree& m_after;
    Times m_times;
    std::vector<FileChange> m_changes;
};

}  // namespace

std::vector<FileChange> diff_trees(const ImageTree& before, const ImageTree& after,
                                   const std::string& path, const TouchedPaths& touched,
                                   Times times) {
    TreeDiff diff(before, after, times);
    diff.compare(path, {.before = true, .after = true}, &touched);
    return diff.take();
}

}  // namespace mstage::engine
