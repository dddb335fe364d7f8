#include "sandbox/secret_files.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace mstage::sandbox {

namespace fs = std::filesystem;

namespace {

constexpr size_t k_longest_id = 128;
constexpr unsigned long k_mount_flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

bool is_id_letter(char c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

void write_secret(int directory, const Secret& secret, const User& user) {
    const Fd file = open_at(directory, secret.id, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0400);
    write_all(file.get(), secret.value);
    if (::fchown(file.get(), user.uid, user.gid) != 0 || ::fchmod(file.get(), 0400) != 0) {
        throw SysError(errno, "giving secret '{}' to user {}", secret.id, user.uid);
    }
}

}  // namespace

void check_secret_id(const std::string& id) {
    const bool good = !id.empty() && id.size() <= k_longest_id && id.front() != '.' &&
                      std::ranges::all_of(id, is_id_letter);
    if (!good) {
        throw UsageError(
            "'{}' is no id of a secret: it has letters, digits, '.', '_' and '-', at most {} of "
            "them, and does not start with '.'",
            id, k_longest_id);
    }
}

void mount_secrets(const fs::path& root, const std::vector<Secret>& secrets, const User& user) {
    if (secrets.empty()) {
        return;
    }
    // /run is ours and new: nothing can lead from here to elsewhere.
    const fs::path place = root / fs::path(k_secrets_directory).relative_path();
    with_context(fmt::format("mounting '{}'", k_secrets_directory), [&] {
        const std::string options = fmt::format("mode=0700,uid={},gid={}", user.uid, user.gid);
        if (::mkdir(place.c_str(), 0700) != 0 ||
            ::mount("tmpfs", place.c_str(), "tmpfs", k_mount_flags, options.c_str()) != 0) {
            throw SysError(errno, "mounting tmpfs");
        }
        const Fd directory = open_fd(place, O_PATH | O_DIRECTORY);
        for (const Secret& secret : secrets) {
            write_secret(directory.get(), secret, user);
        }
        if (::mount(nullptr, place.c_str(), nullptr,
                    MS_REMOUNT | MS_BIND | MS_RDONLY | k_mount_flags, nullptr) != 0) {
            throw SysError(errno, "making it read-only");
        }
    });
}

void forbid_core_dumps() {
    // A program that takes dumps (a pipe in core_pattern) gets them also with a limit of 0, but not
    // with 1, which is too little for any file as well.
    const rlimit none{1, 1};
    ::setrlimit(RLIMIT_CORE, &none);
}

}  // namespace mstage::sandbox
