#include "engine/local/root_layout.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "engine/local/ground_layer.hpp"
#include "engine/local/host_ground.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

bool is_plain_directory(const fs::path& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

void make_directory(const fs::path& path, mode_t mode) {
    // The mode is what the sandbox will see, whatever the caller's umask is.
    if ((::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) || ::chmod(path.c_str(), mode) != 0) {
        throw SysError(errno, "making directory '{}'", path.native());
    }
}

/// The places that bwrap mounts over, and files that name resolution needs.
void add_places_of_a_run(GroundLayer& ground, sandbox::IdMode mode) {
    for (const char* name : {"dev", "proc", "sys", "run", "etc"}) {
        ground.add_directory(name, 0755);
    }
    ground.add_directory("tmp", 01777);
    ground.add_directory("root", 0700);
    ground.add_file("etc/resolv.conf", "");
    ground.add_file("etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost\n");
    if (mode == sandbox::IdMode::single) {
        // apt downloads as user _apt, and looks whether it really became that.
        for (const char* name : {"etc/apt", "etc/apt/apt.conf.d"}) {
            ground.add_directory(name, 0755);
        }
        ground.add_file("etc/apt/apt.conf.d/00single-user", "APT::Sandbox::User \"root\";\n");
    }
}

sandbox::OverlayUpper make_upper(const fs::path& parent) {
    make_directory(parent / "upper", 0755);
    make_directory(parent / "work", 0700);
    return {parent / "upper", parent / "work"};
}

/// An overlay's root has the attributes of its topmost layer's.
void copy_owner_and_mode(const fs::path& from, const fs::path& to) {
    struct stat info {};
    if (::stat(from.c_str(), &info) != 0 || ::chown(to.c_str(), info.st_uid, info.st_gid) != 0 ||
        ::chmod(to.c_str(), info.st_mode & 07777) != 0) {
        throw SysError(errno, "giving '{}' the attributes of '{}'", to.native(), from.native());
    }
}

class Builder {
public:
    Builder(const store::Store& store, const std::vector<store::LayerId>& layers,
            const sandbox::IdMap& ids, Access access, const fs::path& work_dir)
        : m_store(store), m_ids(ids), m_access(access), m_work_dir(work_dir) {
        for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
            m_lowers.push_back(store.layer_path(*layer));
        }
        make_directory(work_dir / "root", 0755);
        m_layout.plan.mount_point = work_dir / "root";
        if (access == Access::read_write) {
            add_places_of_a_run(m_ground, ids.mode);
        }
    }

    void add_root() {
        sandbox::OverlayMount root{.at = "", .lowers = m_lowers, .changes = {}};
        root.lowers.push_back(m_ground.place_in(m_store, m_work_dir));
        // A read-only overlay wants two lower layers; an image may have none.
        if (root.lowers.size() == 1 && m_access == Access::read_only) {
            make_directory(m_work_dir / "nothing", 0755);
            root.lowers.insert(root.lowers.begin(), m_work_dir / "nothing");
        }
        if (m_access == Access::read_write) {
            root.changes = make_upper(m_work_dir);
            m_layout.upper = root.changes->upper;
        }
        // Below this one are the others.
        m_layout.plan.overlays.insert(m_layout.plan.overlays.begin(), std::move(root));
    }

    /// The machine's directories, each with an overlay of its own: one over "/" could not have
    /// layers that lie below "/" too. Without root's rights nothing in them can be copied up, so
    /// they are just shown.
    void add_host() {
        const HostGround host = host_ground();
        for (const auto& [name, target] : host.links) {
            m_ground.add_symlink(name, target);
        }
        for (const char* name : {"home", "media", "mnt", "srv"}) {
            m_ground.add_directory(name, 0755);
        }
        const bool with_overlays = m_ids.mode == sandbox::IdMode::identity;
        if (with_overlays) {
            m_layout.plan.bare = host.directories;
        }
        for (const std::string& name : host.directories) {
            m_ground.add_directory(name, 0755);
            if (with_overlays) {
                add_top(name);
            } else {
                m_layout.plan.binds.push_back({fs::path("/") / name, name});
            }
        }
    }

    RootLayout take() { return std::move(m_layout); }

private:
    void add_top(const std::string& name) {
        sandbox::OverlayMount top{.at = name, .lowers = {}, .changes = {}};
        for (const fs::path& layer : m_lowers) {
            if (is_plain_directory(layer / name)) {
                top.lowers.push_back(layer / name);
            }
        }
        top.lowers.push_back(fs::path("/") / name);
        if (m_access == Access::read_write) {
            make_directories(m_work_dir / "tops" / name);
            top.changes = make_upper(m_work_dir / "tops" / name);
            copy_owner_and_mode(top.lowers.front(), top.changes->upper);
            m_layout.top_uppers.emplace_back(name, top.changes->upper);
        } else if (top.lowers.size() == 1) {
            m_layout.plan.binds.push_back({top.lowers.front(), name});
            return;
        }
        m_layout.plan.overlays.push_back(std::move(top));
    }

    const store::Store& m_store;
    const sandbox::IdMap& m_ids;
    Access m_access;
    fs::path m_work_dir;
    std::vector<fs::path> m_lowers;  // topmost first
    GroundLayer m_ground;
    RootLayout m_layout;
};

}  // namespace

bool RootLayout::changed() const {
    return !fs::is_empty(upper) || std::ranges::any_of(top_uppers, [](const auto& top) {
        return !fs::is_empty(top.second);
    });
}

void RootLayout::collect_changes() const {
    for (const auto& [name, top_upper] : top_uppers) {
        if (!fs::is_empty(top_upper) && ::rename(top_upper.c_str(), (upper / name).c_str()) != 0) {
            throw SysError(errno, "collecting the changes below '/{}'", name);
        }
    }
}

RootLayout lay_out_root(const store::Store& store, store::Ground ground,
                        const std::vector<store::LayerId>& layers, const sandbox::IdMap& ids,
                        Access access, const fs::path& work_dir) {
    Builder builder(store, layers, ids, access, work_dir);
    if (ground == store::Ground::host) {
        if (ids.mode == sandbox::IdMode::identity) {
            check_store_outside(store.root(), host_ground().directories);
        }
        builder.add_host();
    }
    builder.add_root();
    return builder.take();
}

}  // namespace mstage::engine
