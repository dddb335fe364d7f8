#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <memory>
#include <utility>

#include "archive/confined_open.hpp"
#include "archive/file_data.hpp"
#include "archive/import.hpp"
#include "archive/read_attributes.hpp"
#include "archive/tree_sink.hpp"
#include "base/error.hpp"

namespace mstage::archive {

namespace {

using FileId = std::pair<std::uint64_t, std::uint64_t>;

FileId id_of(const struct statx& info) {
    return {(std::uint64_t{info.stx_dev_major} << 32) | info.stx_dev_minor, info.stx_ino};
}

/// Walks the source with one directory open at a time, so that depth costs nothing but memory for
/// names.
class TreeCopier {
public:
    /// The entries get the names that they have in the source, with `prefix` before them.
    TreeCopier(int source_fd, int dir_fd, const Options& options, std::string prefix = "")
        : m_source(source_fd),
          m_prefix(std::move(prefix)),
          m_target_id(id_of(look_at(dir_fd, ""))),
          m_sink(dir_fd, options, m_result) {}

    Imported run() {
        m_todo.emplace_back();
        while (!m_todo.empty()) {
            const std::string path = std::move(m_todo.back());
            m_todo.pop_back();
            in_entry(path, [&] { copy_directory(path); });
        }
        m_sink.finish();
        return std::move(m_result);
    }

    /// Only this entry, which is no directory, under the name `prefix`.
    Imported run_one(const std::string& name) {
        in_entry(name, [&] { copy_entry(m_source, name, ""); });
        m_sink.finish();
        return std::move(m_result);
    }

private:
    MemberPath target_of(const std::string& path) const {
        return MemberPath::parse(m_prefix + '/' + path);
    }

    template <typename Body>
    void in_entry(const std::string& path, Body body) {
        try {
            body();
        } catch (Error& error) {
            error.add_context(fmt::format("entry '{}'", printable(path)));
            throw;
        }
    }

    void copy_directory(const std::string& path) {
        const Fd directory =
            open_confined(m_source, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, Links::refused);
        if (!directory) {
            throw SysError(errno, "opening the directory");
        }
        m_sink.directory(target_of(path),
                         attributes_of(look_at(directory.get(), ""), directory.get()));
        const std::string prefix = path.empty() ? path : path + '/';
        for (const std::string& name :
             names_in_directory(open_at(directory.get(), ".", O_RDONLY | O_DIRECTORY))) {
            const std::string entry = prefix + name;
            try {
                copy_entry(directory.get(), name, entry);
            } catch (Error& error) {
                error.add_context(fmt::format("'{}'", printable(name)));
                throw;
            }
        }
    }

    void copy_entry(int directory, const std::string& name, const std::string& entry) {
        const struct statx info = look_at(directory, name);
        const MemberPath path = target_of(entry);
        const bool is_directory = S_ISDIR(info.stx_mode);
        if ((info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) {
            skip_mount(info, path);
        } else if (is_directory && id_of(info) == m_target_id) {
            note_skipped(m_result, "directory", entry, "it is where the copy goes");
        } else if (is_directory) {
            m_todo.push_back(entry);
        } else if (!link_to_copied(info, path)) {
            copy_non_directory(directory, name, info, path);
        }
    }

    void skip_mount(const struct statx& info, const MemberPath& path) {
        note_skipped(m_result, "mounted", path.str(), "another file system");
        if (S_ISDIR(info.stx_mode)) {
            m_sink.directory(path, attributes_of(info));
        }
    }

    /// Whether another name of the same file was copied before; if so this one becomes a hard link
    /// to it.
    bool link_to_copied(const struct statx& info, const MemberPath& path) {
        if (info.stx_nlink < 2 || S_ISSOCK(info.stx_mode) || S_ISCHR(info.stx_mode) ||
            S_ISBLK(info.stx_mode)) {
            return false;
        }
        const auto [first, is_new] = m_first_names.try_emplace(id_of(info), path.str());
        if (!is_new) {
            m_sink.hard_link(path, MemberPath::parse(first->second));
        }
        return !is_new;
    }

    void copy_non_directory(int directory, const std::string& name, const struct statx& info,
                            const MemberPath& path) {
        switch (info.stx_mode & S_IFMT) {
            case S_IFREG:
                copy_file(directory, name, path);
                break;
            case S_IFLNK:
                m_sink.symlink(path, read_link(directory, name), attributes_of(info));
                break;
            case S_IFIFO:
                m_sink.fifo(path, attributes_of(info));
                break;
            case S_IFSOCK:
                note_skipped(m_result, "socket", path.str());
                break;
            default:
                note_skipped(m_result, "device", path.str());
        }
    }

    void copy_file(int directory, const std::string& name, const MemberPath& path) {
        // O_NONBLOCK: what was a file a moment ago may be a FIFO now.
        const Fd source = open_at(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        const struct statx info = look_at(source.get(), "");
        if (!S_ISREG(info.stx_mode)) {
            throw Error("it was a file and is none any more");
        }
        Fd copy = m_sink.create_file(path);
        m_result.bytes +=
            copy_file_data(source.get(), copy.get(), static_cast<off_t>(info.stx_size));
        m_sink.finish_file(std::move(copy), path, attributes_of(info, source.get()));
    }

    int m_source;
    std::string m_prefix;
    FileId m_target_id;
    Imported m_result;
    TreeSink m_sink;
    std::vector<std::string> m_todo;
    std::map<FileId, std::string> m_first_names;
};

}  // namespace

Imported copy_tree(int source_fd, int dir_fd, const Options& options) {
    return TreeCopier(source_fd, dir_fd, options).run();
}

Imported copy_into_tree(int source_root, const std::string& source, int dir_fd,
                        const std::string& destination, Options options) {
    options.into_existing = true;
    const MemberPath path = MemberPath::parse(source);
    const Fd directory = open_confined(source_root, path.str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                                       Links::as_seen_from_root, Mounts::crossed);
    if (directory) {
        return TreeCopier(directory.get(), dir_fd, options, destination).run();
    }
    const Fd parent =
        open_confined(source_root, path.is_root() ? "" : path.parent(), O_RDONLY | O_DIRECTORY,
                      Links::as_seen_from_root, Mounts::crossed);
    if (!parent || path.is_root()) {
        throw SysError(errno, "opening '{}'", printable(source));
    }
    return TreeCopier(parent.get(), dir_fd, options, destination).run_one(path.leaf());
}

}  // namespace mstage::archive
