// The walk is what a build with nothing to do costs, so it makes no more system calls than one per
// file and a few per directory. It goes in the order of the full paths' bytes, which is also the
// order of the stat cache: both are read side by side, without a look-up table. In that order "a",
// "a-b", "a/x" follow each other, so a directory stands in its parent's listing twice: as "a" for
// itself, and as "a/" for all that is in it.

#include "source/scan.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/fd.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "source/ignore.hpp"
#include "source/stat_cache.hpp"

namespace mstage::source {

namespace fs = std::filesystem;

namespace {

struct CloseDir {
    void operator()(DIR* dir) const { ::closedir(dir); }
};
using Dir = std::unique_ptr<DIR, CloseDir>;

/// What the CMake module leaves in every build tree that it has part in.
constexpr const char* k_state_name = ".mstage";
constexpr const char* k_state_mark = ".mstage/.place";
/// A directory with this one too is configured in its own place: it is not only what was built.
constexpr const char* k_source_name = "CMakeLists.txt";

/// A directory's names, each ended by a NUL, and where each starts.
struct Listing {
    struct Item {
        size_t offset;
        size_t size;
        FileStatus status;
        bool is_subtree;  ///< the name ends with '/'
    };
    std::string names;
    std::vector<Item> items;

    void add(std::string_view name, const FileStatus& status, bool is_subtree) {
        items.push_back({names.size(), name.size() + (is_subtree ? 1 : 0), status, is_subtree});
        names.append(name).append(is_subtree ? "/" : "").push_back('\0');
    }
    std::string_view name_of(const Item& item) const {
        return std::string_view(names).substr(item.offset, item.size);
    }
    void sort() {
        std::ranges::sort(items, {}, [this](const Item& item) { return name_of(item); });
    }
};

/// `path` relative to `root` when it lies below it.
std::optional<std::string> below(const fs::path& path, const fs::path& root) {
    const std::string relative = path.lexically_relative(root).native();
    if (relative.empty() || relative == "." || relative == ".." || relative.starts_with("../")) {
        return std::nullopt;
    }
    return relative.ends_with('/') ? relative.substr(0, relative.size() - 1) : relative;
}

/// The skipped directories as paths in the tree, by their names as given and as they really are.
std::vector<std::string> skipped_paths(const ScanOptions& options) {
    const fs::path given_root = fs::absolute(options.root).lexically_normal() / "";
    const fs::path real_root = fs::canonical(options.root);
    std::vector<std::string> paths;
    for (const fs::path& skip : options.skip) {
        const fs::path real_skip = fs::weakly_canonical(skip);
        if (real_skip == real_root) {
            throw with_hint(Error("source '{}' is also the build tree", options.root.native()),
                            "configure the build in a directory of its own");
        }
        for (const auto& path : {below(fs::absolute(skip).lexically_normal(), given_root),
                                 below(real_skip, real_root)}) {
            if (path) {
                paths.push_back(*path);
            }
        }
    }
    return paths;
}

std::string read_link(int dir, const char* name, std::uint64_t size) {
    std::string target(size + 1, '\0');
    while (true) {
        const ssize_t count = ::readlinkat(dir, name, target.data(), target.size());
        if (count < 0) {
            throw SysError(errno, "reading the link");
        }
        if (static_cast<size_t>(count) < target.size()) {
            target.resize(static_cast<size_t>(count));
            return target;
        }
        target.resize(2 * target.size());
    }
}

class Scanner {
public:
    explicit Scanner(const ScanOptions& options)
        : m_options(options),
          m_started(file_system_clock()),
          m_exclude(options.exclude),
          m_skip(skipped_paths(options)),
          m_cache(options.cache_file, options.key) {}

    Tree run();

private:
    void walk(DIR* dir, const Listing& listing);
    std::optional<Listing> list(DIR* dir);
    bool is_mark(int dir, const dirent& entry) const;
    void list_one(int dir, const dirent& entry, Listing& listing);
    bool is_left_out(std::string_view name, bool is_directory) const;
    std::optional<struct stat> status_at(int dir, const char* name);
    void enter(int parent, std::string_view name);
    void forget(std::string_view directory);
    void add(int dir, const char* name, FileStatus status);
    std::optional<std::string> hash(int dir, const char* name, FileStatus& status);
    std::optional<std::string> hash_file(int dir, const char* name, FileStatus& status);
    void write_cache();

    SysError unreadable(int number) const;
    /// m_path while it is that of a directory, which ends with a slash, without that.
    std::string_view directory_path() const {
        return std::string_view(m_path).substr(0, m_path.size() - 1);
    }
    std::string shown_path() const { return (m_options.root / m_path).native(); }

    const ScanOptions& m_options;
    std::int64_t m_started;
    PatternList m_exclude;
    std::vector<std::string> m_skip;
    StatCache m_cache;

    struct Seen {
        FileStatus status;
        bool is_same;  ///< the cache has it like that
    };

    Tree m_tree;
    std::vector<Seen> m_seen;     ///< of m_tree.entries
    size_t m_build_trees = 0;     ///< that were left out so far
    std::string m_path;           ///< of what is being looked at; the root's is empty
    bool m_cache_is_good = true;  ///< writing it anew would change nothing
};

Tree Scanner::run() {
    Dir root(::opendir(m_options.root.c_str()));
    if (!root) {
        throw SysError(errno, "reading source '{}'", m_options.root.native());
    }
    m_tree.root = m_options.root;
    m_tree.cache_id = m_cache.id();
    m_cache_is_good = m_cache.has_same_key();
    m_tree.entries.reserve(m_cache.size());
    m_seen.reserve(m_cache.size());
    // Whatever the root is, it is what somebody wants to build.
    walk(root.get(), *list(root.get()));
    const bool same = m_cache.exists() && m_cache.size() == m_tree.entries.size() &&
                      std::ranges::all_of(m_seen, &Seen::is_same);
    m_tree.unchanged = same && m_cache.has_same_key() && m_cache.settled();
    if ((!same || !m_cache_is_good) && m_options.cache_after == CacheAfter::written) {
        write_cache();
    }
    return std::move(m_tree);
}

void Scanner::walk(DIR* dir, const Listing& listing) {
    const int dir_fd = ::dirfd(dir);
    const size_t prefix = m_path.size();
    for (const Listing::Item& item : listing.items) {
        const std::string_view name = listing.name_of(item);
        m_path.append(name);
        if (item.is_subtree) {
            enter(dir_fd, name);
        } else {
            add(dir_fd, name.data(), item.status);
        }
        m_path.resize(prefix);
    }
}

/// Nothing when the directory, which is not the root, is a build tree and not also a source.
std::optional<Listing> Scanner::list(DIR* dir) {
    Listing listing;
    const size_t prefix = m_path.size();
    const size_t warnings = m_tree.warnings.size();
    bool has_mark = false;
    bool has_source = false;
    while (true) {
        errno = 0;
        const dirent* entry = ::readdir(dir);
        if (entry == nullptr) {
            if (errno != 0) {
                throw unreadable(errno);
            }
            break;
        }
        const std::string_view name = entry->d_name;
        has_source = has_source || name == k_source_name;
        if (is_mark(::dirfd(dir), *entry)) {
            has_mark = true;
        } else if (name != "." && name != "..") {
            m_path.append(name);
            list_one(::dirfd(dir), *entry, listing);
            m_path.resize(prefix);
        }
    }
    if (has_mark && !has_source && prefix != 0) {
        m_tree.warnings.resize(warnings);
        ++m_build_trees;
        m_tree.watched_besides.push_back(m_path + k_state_mark);
        return std::nullopt;
    }
    listing.sort();
    return listing;
}

/// Whether an entry says that its directory is a build tree: only then is it worth a system call.
bool Scanner::is_mark(int dir, const dirent& entry) const {
    return std::string_view(entry.d_name) == k_state_name &&
           ::faccessat(dir, k_state_mark, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void Scanner::list_one(int dir, const dirent& entry, Listing& listing) {
    // Patterns first where the directory knows the type: what is left out costs no system call.
    std::optional<struct stat> info;
    if (entry.d_type == DT_UNKNOWN) {
        info = status_at(dir, entry.d_name);
    }
    const bool looks_like_directory = info ? S_ISDIR(info->st_mode) : entry.d_type == DT_DIR;
    if (is_left_out(entry.d_name, looks_like_directory)) {
        return;
    }
    if (std::ranges::find(m_skip, m_path) != m_skip.end()) {
        ++m_build_trees;
        return;
    }
    if (!info) {
        info = status_at(dir, entry.d_name);
    }
    if (!info) {
        return;
    }
    if (S_ISREG(info->st_mode) || S_ISLNK(info->st_mode)) {
        listing.add(entry.d_name, status_of(*info), false);
    } else if (S_ISDIR(info->st_mode)) {
        listing.add(entry.d_name, status_of(*info), false);
        listing.add(entry.d_name, {}, true);
    } else {
        m_tree.warnings.push_back(
            fmt::format("'{}' is no file, directory or symbolic link and is left out",
                        escape_control(shown_path())));
    }
}

bool Scanner::is_left_out(std::string_view name, bool is_directory) const {
    const auto kind = is_directory ? PatternList::Kind::directory : PatternList::Kind::other;
    return name == ".git" || m_exclude.excludes_itself(m_path, kind);
}

/// Nothing when it vanished.
std::optional<struct stat> Scanner::status_at(int dir, const char* name) {
    struct stat info {};
    if (::fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
        return info;
    }
    if (errno != ENOENT) {
        throw unreadable(errno);
    }
    return std::nullopt;
}

void Scanner::enter(int parent, std::string_view name) {
    // Without the slash: with it, a symbolic link that took the directory's place would be
    // followed.
    const std::string directory(name.substr(0, name.size() - 1));
    Fd fd(::openat(parent, directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (Dir dir{fd ? ::fdopendir(fd.get()) : nullptr}) {
        [[maybe_unused]] const int owned_by_dir = fd.release();
        const size_t entries = m_tree.entries.size();
        const size_t build_trees = m_build_trees;
        const auto listing = list(dir.get());
        if (listing) {
            walk(dir.get(), *listing);
        }
        const bool only_has_build_trees =
            m_tree.entries.size() == entries && m_build_trees > build_trees;
        if (listing && !only_has_build_trees) {
            return;
        }
        forget(directory_path());
        if (listing) {
            // It is there for their sake, and what is not there yet would show in its time.
            m_tree.watched_besides.emplace_back(directory_path());
        }
    } else if (errno == ENOTDIR || errno == ELOOP || errno == ENOENT) {
        throw SourceChanged("directory '{}' was replaced while it was read", shown_path());
    } else {
        throw unreadable(errno);
    }
}

/// Takes back the entry of a directory that turned out to be left out; none is below it.
void Scanner::forget(std::string_view directory) {
    const auto entry = std::ranges::lower_bound(m_tree.entries, directory, {}, &Entry::path);
    if (entry != m_tree.entries.end() && entry->path == directory) {
        m_seen.erase(m_seen.begin() + (entry - m_tree.entries.begin()));
        m_tree.entries.erase(entry);
    }
}

void Scanner::add(int dir, const char* name, FileStatus status) {
    const StatCache::Record* cached = m_cache.find(m_path);
    Entry entry;
    entry.type = S_ISDIR(status.mode)   ? EntryType::directory
                 : S_ISLNK(status.mode) ? EntryType::symlink
                                        : EntryType::file;
    const bool is_known = cached != nullptr && cached->status == status;
    if (entry.type != EntryType::directory) {
        if (is_known && m_cache.trusts(status)) {
            entry.hash = cached->hash;
        } else {
            auto found = hash(dir, name, status);
            if (!found) {
                return;
            }
            entry.hash = std::move(*found);
            // Looked at again, a record that was too fresh to be trusted may be old enough now.
            m_cache_is_good = m_cache_is_good && is_known && !is_older(status, m_started);
        }
    }
    const bool is_same =
        cached != nullptr && cached->status.mode == status.mode && cached->hash == entry.hash;
    entry.mode = status.mode & 07777;
    entry.path = m_path;
    m_tree.entries.push_back(std::move(entry));
    m_seen.push_back({status, is_same});
}

std::optional<std::string> Scanner::hash(int dir, const char* name, FileStatus& status) {
    if (!S_ISLNK(status.mode)) {
        return hash_file(dir, name, status);
    }
    try {
        return sha256_hex(read_link(dir, name, status.size));
    } catch (const SysError& error) {
        if (error.number() == ENOENT) {
            return std::nullopt;
        }
        if (error.number() == EINVAL) {
            throw SourceChanged("'{}' was replaced while it was read", shown_path());
        }
        throw unreadable(error.number());
    }
}

/// `status` becomes that of what was read: a later change shows as a difference from it.
std::optional<std::string> Scanner::hash_file(int dir, const char* name, FileStatus& status) {
    // Never wait for a FIFO that took the file's place.
    const Fd fd(::openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!fd && errno == ENOENT) {
        return std::nullopt;
    }
    struct stat info {};
    if ((!fd && errno != ELOOP) || (fd && ::fstat(fd.get(), &info) != 0)) {
        throw unreadable(errno);
    }
    if (!fd || !S_ISREG(info.st_mode)) {
        throw SourceChanged("'{}' was replaced while it was read", shown_path());
    }
    status = status_of(info);
    return with_context(fmt::format("'{}'", shown_path()),
                        [&] { return sha256_hex_of_fd(fd.get()); });
}

void Scanner::write_cache() {
    StatCacheWriter writer(m_started);
    for (size_t i = 0; i < m_tree.entries.size(); ++i) {
        const Entry& entry = m_tree.entries[i];
        writer.add({m_seen[i].status, entry.path, entry.hash});
    }
    m_tree.cache_id = writer.write(m_options.cache_file, m_options.key, m_tree.unchanged);
}

SysError Scanner::unreadable(int number) const {
    SysError error(number, "reading '{}'", shown_path());
    return m_path.empty()
               ? error
               : with_hint(
                     std::move(error),
                     fmt::format("make it readable, or leave it out with EXCLUDE \"/{}\"", m_path));
}

}  // namespace

std::vector<std::string> Tree::watched() const {
    const std::string absolute_root = fs::absolute(root).native();
    std::vector<std::string> paths{absolute_root};
    for (const Entry& entry : entries) {
        if (entry.type != EntryType::symlink) {
            paths.push_back(absolute_root + "/" + entry.path);
        }
    }
    for (const std::string& path : watched_besides) {
        paths.push_back(absolute_root + "/" + path);
    }
    return paths;
}

Tree scan(const ScanOptions& options) {
    if (!fs::is_directory(options.root)) {
        throw Error("source '{}' is not a directory", options.root.native());
    }
    return Scanner(options).run();
}

void settle(const ScanOptions& options, const Tree& tree) {
    if (!tree.unchanged) {
        settle_cache(options.cache_file, tree.cache_id);
    }
}

}  // namespace mstage::source
