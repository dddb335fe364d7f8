#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "base/xattr.hpp"
#include "sandbox/root_plan.hpp"

namespace mstage::sandbox {

/// What mounts of a run are put on and the image lacks: a lower layer of the run's own, on top of the
/// image's, in which every directory on the way has the attributes that it has in the image. So
/// nothing is made in the changes, and no trace of a mount point stays in a layer, whatever the
/// image's layers hide from each other.
class MountPoints {
public:
    /// `layer` is made when there is anything to be in it; kept until the run's end.
    explicit MountPoints(std::filesystem::path layer) : m_layer(std::move(layer)) {}

    /// All directories of `path`, a real path of `root`, which is a mounted image: "" is the root
    /// itself.
    void add_existing(int root, const std::string& path);
    /// One in a directory that was added.
    void add_directory(const std::string& path, uid_t uid, gid_t gid);
    /// The same, an empty file.
    void add_file(const std::string& path);

    /// The plan with the layer in it. The plan itself when nothing was added.
    RootPlan on_top_of(const RootPlan& plan) const;

private:
    struct Entry {
        std::string path;  ///< in the root
        mode_t type = 0;
        mode_t mode = 0;
        uid_t uid = 0;
        gid_t gid = 0;
        timespec modified{};  ///< 0: now
        std::vector<Xattr> attributes{};
    };

    void add(Entry entry);
    void make(const Entry& entry) const;

    std::filesystem::path m_layer;
    std::vector<Entry> m_entries;  ///< directories before what is in them
    std::set<std::string> m_known;
};

}  // namespace mstage::sandbox
