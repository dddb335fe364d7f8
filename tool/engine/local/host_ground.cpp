#include "engine/local/host_ground.hpp"

#include <array>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/path_text.hpp"
#include "base/text.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

/// The Filesystem Hierarchy Standard's system directories, and those of Nix, Guix and snap. A list
/// of what is in, not of what is out: an unknown directory of the machine is somebody's data.
constexpr std::array k_system_directories = {"bin",   "etc",    "gnu", "lib", "lib32",
                                             "lib64", "libx32", "nix", "opt", "sbin",
                                             "snap",  "usr",    "var"};

}  // namespace

HostGround host_ground() {
    HostGround ground;
    for (const char* name : k_system_directories) {
        const fs::path path = fs::path("/") / name;
        if (fs::is_symlink(path)) {
            ground.links.emplace_back(name, fs::read_symlink(path).native());
        } else if (fs::is_directory(path)) {
            ground.directories.emplace_back(name);
        }
    }
    return ground;
}

std::vector<fs::path> host_witnesses() {
    std::vector<fs::path> present;
    for (const char* path : {"/etc/os-release", "/var/lib/dpkg/status", "/var/lib/rpm/rpmdb.sqlite",
                             "/lib/apk/db/installed"}) {
        if (fs::exists(path)) {
            present.emplace_back(path);
        }
    }
    return present;
}

std::string host_fingerprint() {
    Sha256 hash;
    for (const fs::path& path : host_witnesses()) {
        hash.update(path.native());
        hash.update(sha256_hex(read_file(path)));
    }
    return hash.finish();
}

void check_store_outside(const fs::path& store, const std::vector<std::string>& directories) {
    const fs::path real = fs::weakly_canonical(store);
    for (const std::string& directory : directories) {
        if (is_below(real.native(), "/" + directory)) {
            throw with_hint(
                Error("the store '{}' lies inside '/{}', which base 'host' lays an overlay over",
                      real.native(), directory),
                "set MSTAGE_STORE to a directory outside of the system's own, in your home for "
                "example");
        }
    }
}

}  // namespace mstage::engine
