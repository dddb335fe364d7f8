#include "archive/tree_sink.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "archive/confined_open.hpp"
#include "base/error.hpp"
#include "base/file.hpp"

namespace mstage::archive {

namespace {

constexpr int k_directory_handle = O_PATH | O_DIRECTORY;

std::optional<struct stat> look_at(int parent, const std::string& name) {
    struct stat info {};
    if (::fstatat(parent, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) {
        return info;
    }
    if (errno == ENOENT) {
        return std::nullopt;
    }
    throw SysError(errno, "looking at '{}'", printable(name));
}

bool same_file(const struct stat& a, const struct stat& b) {
    return a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

}  // namespace

TreeSink::TreeSink(int dir_fd, const Options& options, Imported& result)
    // A descriptor of our own: the caller's may be one that can't be given attributes (O_PATH).
    : m_root(open_at(dir_fd, ".", O_RDONLY | O_DIRECTORY)),
      m_options(options),
      m_result(result),
      m_umask(::umask(0)) {
    if (!options.into_existing) {
        m_directories.emplace("", Attributes{});
    }
}

TreeSink::~TreeSink() {
    ::umask(m_umask);
}

void TreeSink::directory(const MemberPath& path, Attributes attributes) {
    if (!path.is_root()) {
        const int parent = parent_of(path);
        const std::string name = path.leaf();
        const auto make = [&] { return ::mkdirat(parent, name.c_str(), 0700) == 0; };
        if (!make()) {
            const auto there = errno == EEXIST ? look_at(parent, name) : std::nullopt;
            if (there && !S_ISDIR(there->st_mode)) {
                make_way(parent, path);
            }
            if (!(there && S_ISDIR(there->st_mode)) && !make()) {
                throw SysError(errno, "making the directory");
            }
        }
    }
    m_directories.insert_or_assign(path.str(), std::move(attributes));
    ++m_result.entries;
}

Fd TreeSink::create_file(const MemberPath& path) {
    Fd file;
    make_entry(path, "file", [&](int parent, const char* name) {
        file =
            Fd(::openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        return static_cast<bool>(file);
    });
    return file;
}

void TreeSink::finish_file(Fd file, const MemberPath& path, const Attributes& attributes) {
    apply_attributes(file.get(), path.str(), attributes, m_options, m_result);
}

void TreeSink::symlink(const MemberPath& path, const std::string& target,
                       const Attributes& attributes) {
    const int parent = make_entry(path, "symbolic link", [&](int at, const char* name) {
        return ::symlinkat(target.c_str(), at, name) == 0;
    });
    set_link_attributes(parent, path, attributes);
}

void TreeSink::fifo(const MemberPath& path, const Attributes& attributes) {
    // The mode is right from the start (the umask is 0): there is no chmod() that surely stays off
    // a link's target.
    const int parent = make_entry(path, "FIFO", [&](int at, const char* name) {
        return ::mknodat(at, name, S_IFIFO | attributes.mode, 0) == 0;
    });
    set_link_attributes(parent, path, attributes);
}

void TreeSink::set_attributes(const MemberPath& path, Attributes attributes) {
    Attributes& there = m_directories[path.str()];
    attributes.opaque = there.opaque;
    there = std::move(attributes);
}

void TreeSink::whiteout(const MemberPath& path) {
    make_entry(path, "whiteout", [&](int parent, const char* name) {
        return ::mknodat(parent, name, S_IFCHR, 0) == 0;
    });
}

void TreeSink::hard_link(const MemberPath& path, const MemberPath& target) {
    if (target.is_root()) {
        throw Error("a hard link to the root directory");
    }
    const Fd target_parent = open_confined(m_root.get(), target.parent(), k_directory_handle,
                                           Links::as_seen_from_root, mounts());
    const std::string target_name = target.leaf();
    const auto linked = target_parent ? look_at(target_parent.get(), target_name) : std::nullopt;
    if (!linked) {
        throw Error("a hard link to '{}', which is not there", printable(target.str()));
    }
    if (S_ISDIR(linked->st_mode)) {
        throw Error("a hard link to '{}', which is a directory", printable(target.str()));
    }
    make_entry(path, "hard link", [&](int parent, const char* name) {
        const auto there = look_at(parent, name);
        // Removing the old name first would take the file away from a link to itself.
        return (there && same_file(*there, *linked)) ||
               ::linkat(target_parent.get(), target_name.c_str(), parent, name, 0) == 0;
    });
}

void TreeSink::finish() {
    // Children sort behind their parents, so backwards no directory loses its rights before what is
    // in it is done.
    for (auto entry = m_directories.rbegin(); entry != m_directories.rend(); ++entry) {
        settle_directory(entry->first, entry->second);
    }
    m_directories.clear();
}

/// Calls `make(parent, name)`, which says by its result or errno whether it made the entry, and
/// once more after removing what is in its way. Returns the parent.
template <typename Make>
int TreeSink::make_entry(const MemberPath& path, const char* what, Make make) {
    if (path.is_root()) {
        throw Error("the root is a {} and no directory", what);
    }
    const int parent = parent_of(path);
    const std::string name = path.leaf();
    bool made = make(parent, name.c_str());
    if (!made && errno == EEXIST) {
        make_way(parent, path);
        made = make(parent, name.c_str());
    }
    if (!made) {
        throw SysError(errno, "making the {}", what);
    }
    ++m_result.entries;
    return parent;
}

/// A descriptor that is good until the next call.
int TreeSink::parent_of(const MemberPath& path) {
    const std::string_view wanted = path.parent();
    if (!m_parent || m_parent_path != wanted) {
        m_parent = open_confined(m_root.get(), wanted, k_directory_handle, Links::as_seen_from_root,
                                 mounts());
        if (!m_parent) {
            m_parent = open_or_make_directories(wanted);
        }
        m_parent_path = wanted;
    }
    return m_parent.get();
}

Fd TreeSink::open_or_make_directories(std::string_view path) {
    Fd at = open_confined(m_root.get(), "", k_directory_handle, Links::refused, mounts());
    for (size_t begin = 0; begin < path.size();) {
        const size_t end = std::min(path.find('/', begin), path.size());
        at = open_or_make_directory(at.get(), std::string(path.substr(begin, end - begin)),
                                    path.substr(0, end));
        begin = end + 1;
    }
    return at;
}

Fd TreeSink::open_or_make_directory(int parent, const std::string& name, std::string_view path) {
    Fd found = open_confined(parent, name, k_directory_handle, Links::refused, mounts());
    if (!found && errno == ENOENT && ::mkdirat(parent, name.c_str(), 0755) == 0) {
        found = open_confined(parent, name, k_directory_handle, Links::refused, mounts());
    }
    if (!found && errno == ELOOP) {
        found = open_confined(m_root.get(), path, k_directory_handle, Links::as_seen_from_root,
                              mounts());
    }
    if (!found) {
        throw SysError(errno, "entering directory '{}'", printable(path));
    }
    return found;
}

/// Removes what has the name of a new entry.
void TreeSink::make_way(int parent, const MemberPath& path) {
    const std::string name = path.leaf();
    const auto there = look_at(parent, name);
    if (!there) {
        return;
    }
    if (S_ISLNK(there->st_mode)) {
        // Directories may have been made through it, and can't be found under their names any more
        // without it.
        settle_directories_below(path.str());
    }
    const auto below = m_directories.lower_bound(path.str() + '/');
    m_directories.erase(below, m_directories.lower_bound(path.str() + static_cast<char>('/' + 1)));
    m_directories.erase(path.str());
    remove_tree_at(parent, name);
}

void TreeSink::settle_directories_below(const std::string& path) {
    auto entry = m_directories.lower_bound(path + static_cast<char>('/' + 1));
    const auto first = m_directories.lower_bound(path + '/');
    while (entry != first) {
        --entry;
        settle_directory(entry->first, entry->second);
    }
}

void TreeSink::settle_directory(const std::string& path, const Attributes& attributes) {
    const Fd directory = open_confined(m_root.get(), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                                       Links::as_seen_from_root, mounts());
    if (!directory) {
        // Something else took its place under another name that leads there.
        if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) {
            return;
        }
        throw SysError(errno, "entering directory '{}'", printable(path));
    }
    try {
        apply_attributes(directory.get(), path, attributes, m_options, m_result);
    } catch (Error& error) {
        error.add_context(fmt::format("directory '{}'", printable(path)));
        throw;
    }
}

/// Of an entry that can't be opened.
void TreeSink::set_link_attributes(int parent, const MemberPath& path,
                                   const Attributes& attributes) {
    const std::string name = path.leaf();
    apply_owner(parent, name.c_str(), attributes, m_options);
    if (attributes.mtime && ::utimensat(parent, name.c_str(), FileTimes(*attributes.mtime).values,
                                        AT_SYMLINK_NOFOLLOW) != 0) {
        throw SysError(errno, "setting its time");
    }
    note_skipped_xattrs(path.str(), attributes, m_result);
}

}  // namespace mstage::archive
