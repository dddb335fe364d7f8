#include "engine/local/ground_layer.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "store/boot.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

void set_mode(const fs::path& path, mode_t mode) {
    if (::chmod(path.c_str(), mode) != 0) {
        throw SysError(errno, "setting the mode of '{}'", path.native());
    }
}

}  // namespace

void GroundLayer::add_directory(const std::string& path, mode_t mode) {
    m_entries.push_back({'d', mode, path, ""});
}

void GroundLayer::add_file(const std::string& path, const std::string& content) {
    m_entries.push_back({'f', 0644, path, content});
}

void GroundLayer::add_symlink(const std::string& path, const std::string& target) {
    m_entries.push_back({'l', 0777, path, target});
}

fs::path GroundLayer::place_in(const store::Store& store, const fs::path& work_dir) const {
    // Nobody brings it to disk, so after a power cut it may be there and torn: it is only good for
    // the boot it names.
    const fs::path place =
        store.root() / "grounds" / fmt::format("{}-{}", store::boot_id(), digest());
    if (fs::is_directory(place)) {
        return place;
    }
    const fs::path made = work_dir / "ground";
    make(made);
    make_directories(place.parent_path(), 0700);
    // Somebody else may have been faster, with the same.
    if (::rename(made.c_str(), place.c_str()) != 0 && errno != EEXIST && errno != ENOTEMPTY) {
        throw SysError(errno, "publishing '{}'", place.native());
    }
    return place;
}

std::string GroundLayer::digest() const {
    // Each part is ended by a NUL, which neither a path nor our own files hold.
    std::string text;
    for (const Entry& entry : m_entries) {
        text.append(fmt::format("{}{:o}", entry.type, entry.mode)).push_back('\0');
        text.append(entry.path).push_back('\0');
        text.append(entry.content).push_back('\0');
    }
    return fmt::format("{:016x}", std::hash<std::string>{}(text));
}

void GroundLayer::make(const fs::path& directory) const {
    make_directories(directory, 0755);
    set_mode(directory, 0755);
    for (const Entry& entry : m_entries) {
        const fs::path path = directory / entry.path;
        if (entry.type == 'l') {
            fs::create_symlink(entry.content, path);
            continue;
        }
        if (entry.type == 'd') {
            make_directories(path, entry.mode);
        } else {
            write_file_atomically(path, entry.content);
        }
        set_mode(path, entry.mode);
    }
}

}  // namespace mstage::engine
