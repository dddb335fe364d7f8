#include "base/staging_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/file.hpp"

namespace mstage {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view k_prefix = ".mstage-";
constexpr size_t k_random_length = 6;

bool is_our_name(const std::string& name) {
    return name.size() == k_prefix.size() + k_random_length && name.starts_with(k_prefix);
}

/// Others' are not ours to open, and stay.
void remove_dead(const fs::path& parent) {
    for (const std::string& name : names_in_directory(open_fd(parent, O_RDONLY | O_DIRECTORY))) {
        if (!is_our_name(name)) {
            continue;
        }
        const Fd dead(
            ::open((parent / name).c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!dead || ::flock(dead.get(), LOCK_EX | LOCK_NB) != 0) {
            continue;
        }
        try {
            remove_tree(parent / name);
        } catch (const Error&) {
            // A leftover costs space; it must not cost what is to be done now.
        }
    }
}

}  // namespace

StagingDirectory::StagingDirectory(const fs::path& parent) {
    remove_dead(parent);
    struct stat info {};
    do {
        m_path = make_temporary_directory(parent, k_prefix);
        m_lock = Fd(::open(m_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        // Somebody may have taken it for dead in the moment before.
    } while (!m_lock || (::flock(m_lock.get(), LOCK_EX) == 0 && ::fstat(m_lock.get(), &info) == 0 &&
                         info.st_nlink == 0));
}

StagingDirectory::~StagingDirectory() {
    try {
        remove_tree(m_path);
    } catch (const Error&) {
        // What stays is garbage without a lock, which the next one takes.
    }
}

}  // namespace mstage
