#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

#include "store/store.hpp"

namespace mstage::engine {

/// The lowest layer of a root, which gives way to whatever the image has: first written down, then
/// made once per store and boot and shared by all runs that want the same. It never changes, and is
/// in no manifest.
class GroundLayer {
public:
    /// Parents come first. Modes are what the sandbox sees, whatever the umask is.
    void add_directory(const std::string& path, mode_t mode);
    void add_file(const std::string& path, const std::string& content);
    void add_symlink(const std::string& path, const std::string& target);

    /// Its place, `grounds/<boot id>-<digest>` in the store: seen whole or not at all. When it is
    /// not there yet it is made in `work_dir`, on the same file system, and moved.
    std::filesystem::path place_in(const store::Store& store,
                                   const std::filesystem::path& work_dir) const;

private:
    struct Entry {
        char type;  ///< as in a digest file: d, f, l
        mode_t mode;
        std::string path;
        std::string content;  ///< of a link, its target
    };

    std::string digest() const;
    void make(const std::filesystem::path& directory) const;

    std::vector<Entry> m_entries;
};

}  // namespace mstage::engine
