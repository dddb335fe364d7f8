#include "engine/local/host_ground.hpp"

#include <sched.h>
#include <sys/mount.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

/// The Filesystem Hierarchy Standard's system directories, and those of Nix, Guix and snap. A list
/// of what is in, not of what is out: an unknown directory of the machine is somebody's data.
constexpr std::array k_system_directories = {"bin",   "etc",    "gnu", "lib", "lib32",
                                             "lib64", "libx32", "nix", "opt", "sbin",
                                             "snap",  "usr",    "var"};

/// "\040" for a space, as mountinfo writes it.
std::string unescape_octal(const std::string& text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size()) {
            out += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

bool is_below(const fs::path& path, const fs::path& directory) {
    return std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first ==
           directory.end();
}

/// What is mounted below the directories, outermost first.
std::vector<std::string> submounts_of(const std::vector<std::string>& directories) {
    std::vector<std::string> found;
    std::istringstream lines(read_file("/proc/self/mountinfo"));
    for (std::string line; std::getline(lines, line);) {
        const std::string mount_point = unescape_octal(split(line, ' ').at(4));
        for (const std::string& directory : directories) {
            if (mount_point.starts_with("/" + directory + "/")) {
                found.push_back(mount_point);
            }
        }
    }
    return found;
}

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

void hide_submounts(const std::vector<std::string>& directories) {
    if (submounts_of(directories).empty() || ::unshare(CLONE_NEWNS) != 0) {
        return;
    }
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
        throw SysError(errno, "making the mount namespace private");
    }
    std::vector<std::string> mounts = submounts_of(directories);
    std::ranges::reverse(mounts);
    for (const std::string& mount_point : mounts) {
        ::umount2(mount_point.c_str(), MNT_DETACH);
    }
}

void check_store_outside(const fs::path& store, const std::vector<std::string>& directories) {
    const fs::path real = fs::weakly_canonical(store);
    for (const std::string& directory : directories) {
        if (is_below(real, fs::path("/") / directory)) {
            throw with_hint(
                Error("the store '{}' lies inside '/{}', which base 'host' lays an overlay over",
                      real.native(), directory),
                "set MSTAGE_STORE to a directory outside of the system's own, in your home for "
                "example");
        }
    }
}

}  // namespace mstage::engine
