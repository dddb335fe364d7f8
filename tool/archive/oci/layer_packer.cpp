#include "archive/oci/layer_packer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "archive/confined_open.hpp"
#include "archive/read_attributes.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"

namespace mstage::archive {

namespace {

constexpr std::string_view k_whiteout_prefix = ".wh.";
constexpr const char* k_opaque_name = ".wh..wh..opq";
// The overlays are mounted with "userxattr".
constexpr const char* k_opaque_attribute = "user.overlay.opaque";
constexpr const char* k_whiteout_attribute = "user.overlay.whiteout";

using FileId = std::pair<std::uint64_t, std::uint64_t>;

FileId id_of(const struct statx& info) {
    return {(std::uint64_t{info.stx_dev_major} << 32) | info.stx_dev_minor, info.stx_ino};
}

std::string joined(const std::string& directory, const std::string& name) {
    return directory.empty() ? name : directory + "/" + name;
}

/// Walks with one directory open at a time, so that depth costs nothing but memory for names.
class LayerPacker {
public:
    LayerPacker(int layer_fd, const std::vector<Fd>& lower, const PackOptions& options,
                const TarWriter::Output& output)
        : m_layer(layer_fd), m_lower(lower), m_options(options), m_writer(output) {}

    std::vector<std::string> run() {
        m_todo.emplace_back();
        while (!m_todo.empty()) {
            const std::string path = std::move(m_todo.back());
            m_todo.pop_back();
            try {
                pack(MemberPath::parse(path));
            } catch (Error& error) {
                error.add_context(fmt::format("entry '{}'", printable(path)));
                throw;
            }
        }
        m_writer.finish();
        return std::move(m_skipped);
    }

private:
    void pack(const MemberPath& path) {
        if (path.is_root()) {
            pack_directory(path, open_at(m_layer, ".", O_RDONLY | O_DIRECTORY));
            return;
        }
        const int parent = parent_of(path);
        const std::string name = path.leaf();
        const struct statx info = look_at(parent, name);
        if (S_ISDIR(info.stx_mode)) {
            pack_directory(path, open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
        } else {
            pack_non_directory(path, parent, info);
        }
    }

    void pack_directory(const MemberPath& path, Fd directory) {
        const struct statx info = look_at(directory.get(), "");
        m_writer.member({.path = path,
                         .type = MemberType::directory,
                         .attributes = attributes(info, directory.get())});
        if (is_opaque(directory.get()) && is_below(path, S_IFDIR)) {
            write_marker(joined(path.str(), k_opaque_name));
        }
        const int fd = directory.get();
        // A descriptor of its own: reading the names uses it up.
        std::vector<std::string> names =
            names_in_directory(open_at(fd, ".", O_RDONLY | O_DIRECTORY));
        std::erase_if(names, [&](const std::string& name) {
            if (!is_whiteout(fd, name)) {
                return false;
            }
            if (is_below(MemberPath::parse(joined(path.str(), name)), 0)) {
                write_marker(joined(path.str(), std::string(k_whiteout_prefix) + name));
            }
            return true;
        });
        std::ranges::for_each(names.rbegin(), names.rend(), [&](const std::string& name) {
            m_todo.push_back(joined(path.str(), name));
        });
    }

    static bool is_opaque(int directory) {
        char value = '\0';
        return ::fgetxattr(directory, k_opaque_attribute, &value, 1) == 1 && value == 'y';
    }

    /// Whether a layer below has something of that path (and of that type, when it is not 0). Layers
    /// in between may hide it; then a marker says what holds anyway.
    bool is_below(const MemberPath& path, mode_t type) const {
        return !path.is_root() && std::ranges::any_of(m_lower, [&](const Fd& layer) {
            const Fd parent =
                open_confined(layer.get(), path.parent(), O_PATH | O_DIRECTORY, Links::refused);
            struct stat info {};
            return parent &&
                   ::fstatat(parent.get(), path.leaf().c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
                   (type == 0 ? !S_ISCHR(info.st_mode) : (info.st_mode & S_IFMT) == type);
        });
    }

    /// Overlayfs knows two forms: a device 0:0, and, for layers of overlays in overlays, an empty
    /// file with an attribute.
    static bool is_whiteout(int directory, const std::string& name) {
        const struct statx info = look_at(directory, name);
        if (S_ISCHR(info.stx_mode)) {
            return info.stx_rdev_major == 0 && info.stx_rdev_minor == 0;
        }
        if (!S_ISREG(info.stx_mode) || info.stx_size != 0) {
            return false;
        }
        const Fd file = open_file(directory, name);
        return ::fgetxattr(file.get(), k_whiteout_attribute, nullptr, 0) >= 0;
    }

    /// An empty file of nobody and no time: all that counts is its name.
    void write_marker(const std::string& path) {
        m_writer.member({.path = MemberPath::parse(path), .attributes = root_attributes(0)});
    }

    void pack_non_directory(const MemberPath& path, int parent, const struct statx& info) {
        if (path.leaf().starts_with(k_whiteout_prefix)) {
            throw with_hint(Error("a container image can't hold a file of that name: there it "
                                  "means that another one is hidden"),
                            "remove the file, or give it another name, in a stage");
        }
        TarMember member{.path = path};
        switch (info.stx_mode & S_IFMT) {
            case S_IFREG:
                pack_file(std::move(member), parent);
                return;
            case S_IFLNK:
                member.type = MemberType::symlink;
                member.target = read_link(parent, path.leaf());
                break;
            case S_IFIFO:
                member.type = MemberType::fifo;
                break;
            default:
                m_skipped.push_back(fmt::format("{} '{}'",
                                                S_ISSOCK(info.stx_mode) ? "socket" : "device",
                                                printable(path.str())));
                return;
        }
        member.attributes = attributes(info);
        link_or_write(std::move(member), info);
    }

    void pack_file(TarMember member, int parent) {
        const Fd file = open_file(parent, member.path.leaf());
        const struct statx info = look_at(file.get(), "");
        member.attributes = attributes(info, file.get());
        member.size = info.stx_size;
        if (link_or_write(std::move(member), info)) {
            write_data(file.get(), info.stx_size);
        }
    }

    /// A second name of a file becomes a hard link. True when it is the first. Links have all
    /// attributes of the file: some unpackers give a file anew what its link says, and giving it an
    /// owner takes away capabilities.
    bool link_or_write(TarMember member, const struct statx& info) {
        if (info.stx_nlink > 1) {
            const auto [first, is_new] = m_first_names.try_emplace(id_of(info), member.path.str());
            if (!is_new) {
                member.type = MemberType::hard_link;
                member.target = first->second;
                member.size = 0;
            }
        }
        m_writer.member(member);
        return member.type == MemberType::file;
    }

    void write_data(int file, std::uint64_t size) {
        while (size > 0) {
            const ssize_t count =
                ::read(file, m_block.data(), std::min<std::uint64_t>(m_block.size(), size));
            if (count < 0 && errno == EINTR) {
                continue;
            }
            if (count < 0) {
                throw SysError(errno, "reading its data");
            }
            if (count == 0) {
                throw Error("it is shorter than it was a moment ago");
            }
            m_writer.data(std::string_view(m_block).substr(0, static_cast<size_t>(count)));
            size -= static_cast<std::uint64_t>(count);
        }
    }

    Attributes attributes(const struct statx& info, int fd = -1) const {
        Attributes found = fd < 0 ? attributes_of(info) : attributes_of(info, fd);
        std::erase_if(found.xattrs,
                      [](const Xattr& xattr) { return !is_kept_attribute(xattr.name); });
        if (!m_options.keep_owners) {
            found.owner = found.group = 0;
        }
        if (m_options.latest_mtime && found.mtime->tv_sec >= *m_options.latest_mtime) {
            found.mtime = timespec{*m_options.latest_mtime, 0};
        }
        return found;
    }

    static Fd open_file(int parent, const std::string& name) {
        return open_at(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    }

    /// A descriptor that is good until the next call.
    int parent_of(const MemberPath& path) {
        const std::string_view wanted = path.parent();
        if (!m_parent || m_parent_path != wanted) {
            m_parent = open_confined(m_layer, wanted, O_PATH | O_DIRECTORY, Links::refused);
            if (!m_parent) {
                throw SysError(errno, "entering directory '{}'", printable(wanted));
            }
            m_parent_path = wanted;
        }
        return m_parent.get();
    }

    int m_layer;
    const std::vector<Fd>& m_lower;
    PackOptions m_options;
    TarWriter m_writer;
    std::vector<std::string> m_skipped;
    std::vector<std::string> m_todo;
    std::map<FileId, std::string> m_first_names;
    std::string m_parent_path;
    Fd m_parent;
    std::string m_block = std::string(256UL * 1024, '\0');
};

}  // namespace

std::vector<std::string> pack_layer(int layer_fd, const std::vector<Fd>& lower,
                                    const PackOptions& options, const TarWriter::Output& output) {
    return LayerPacker(layer_fd, lower, options, output).run();
}

}  // namespace mstage::archive
