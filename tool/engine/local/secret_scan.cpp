#include "engine/local/secret_scan.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/secret_stream.hpp"
#include "base/xattr.hpp"

namespace mstage::engine {

namespace {

/// One secret that is in a text, if there is any.
class Search {
public:
    explicit Search(const SecretPatterns& patterns)
        : m_stream(
              patterns, [](std::string_view) {}, [this](size_t secret) { m_found = secret; }) {}
    void feed(std::string_view data) { m_stream.feed(data); }
    /// What follows is another text.
    void finish() { m_stream.finish(SecretStream::End::whole); }
    const std::optional<size_t>& found() const { return m_found; }

private:
    SecretStream m_stream;
    std::optional<size_t> m_found;
};

class TreeSearch {
public:
    TreeSearch(const SecretPatterns& patterns, const ScannedTree& tree, size_t most)
        : m_patterns(patterns), m_tree(tree), m_most(most) {}

    std::vector<FoundSecret> run() {
        visit_directory(open_fd(m_tree.directory, O_RDONLY | O_DIRECTORY), m_tree.name);
        return std::move(m_found);
    }

private:
    void visit_directory(Fd directory, const std::string& path) {
        const int fd = directory.get();
        const Fd kept(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
        for (const std::string& name : names_in_directory(std::move(directory))) {
            if (m_found.size() >= m_most) {
                return;
            }
            visit(kept.get(), name, path + "/" + name);
        }
    }

    void visit(int directory, const std::string& name, const std::string& path) {
        struct stat info {};
        if (::fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
            throw SysError(errno, "looking at it");
        }
        const bool is_directory = S_ISDIR(info.st_mode);
        const bool is_new = !m_tree.since || info.st_ctime >= *m_tree.since;
        if (is_new) {
            Search search(m_patterns);
            search_in_name_and_attributes(search, directory, name, path, info);
            if (S_ISREG(info.st_mode) && !search.found() && is_first_link(info)) {
                search_in_content(search, directory, name, info.st_size);
            }
            if (search.found()) {
                m_found.push_back({*search.found(), redacted(m_patterns, path)});
                return;
            }
        }
        if (is_directory) {
            visit_directory(open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW), path);
        }
    }

    static void search_in_name_and_attributes(Search& search, int directory,
                                              const std::string& name, const std::string& path,
                                              const struct stat& info) {
        search.feed(path);
        search.finish();
        if (S_ISLNK(info.st_mode)) {
            std::string target(static_cast<size_t>(info.st_size) + 1, '\0');
            const ssize_t size =
                ::readlinkat(directory, name.c_str(), target.data(), target.size());
            search.feed(std::string_view(target).substr(0, std::max<ssize_t>(size, 0)));
            search.finish();
        }
        const Fd file = open_at(directory, name, O_PATH | O_NOFOLLOW);
        for (const Xattr& attribute : read_xattrs(file.get())) {
            search.feed(attribute.name);
            search.finish();
            search.feed(attribute.value);
            search.finish();
        }
    }

    /// In pieces, and without the holes, which can be larger than any disk.
    static void search_in_content(Search& search, int directory, const std::string& name,
                                  off_t size) {
        const Fd file = open_at(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        std::string buffer(k_piece_size, '\0');
        off_t at = 0;
        while (at < size && !search.found()) {
            const off_t data = ::lseek(file.get(), at, SEEK_DATA);
            if (data < 0 && errno == ENXIO) {
                break;
            }
            const off_t hole = ::lseek(file.get(), std::max(at, data), SEEK_HOLE);
            at = ::lseek(file.get(), std::max(at, data), SEEK_SET);
            const off_t end = hole < 0 ? size : hole;
            while (at < end && !search.found()) {
                const size_t count = read_some(file.get(), buffer);
                if (count == 0) {
                    return search.finish();
                }
                search.feed(std::string_view(buffer).substr(0, count));
                at += static_cast<off_t>(count);
            }
            search.finish();
        }
    }

    bool is_first_link(const struct stat& info) {
        return info.st_nlink < 2 || m_links.emplace(info.st_dev, info.st_ino).second;
    }

    const SecretPatterns& m_patterns;
    const ScannedTree& m_tree;
    size_t m_most;
    std::set<std::pair<dev_t, ino_t>> m_links;
    std::vector<FoundSecret> m_found;
};

}  // namespace

std::vector<FoundSecret> find_secrets(const SecretPatterns& patterns, const ScannedTree& tree,
                                      size_t most) {
    return with_context(fmt::format("looking for secrets in '{}'", tree.directory.native()),
                        [&] { return TreeSearch(patterns, tree, most).run(); });
}

}  // namespace mstage::engine
