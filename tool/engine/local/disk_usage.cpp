#include "engine/local/disk_usage.hpp"

#include <sys/stat.h>

namespace mstage::engine {

namespace fs = std::filesystem;

std::uint64_t disk_usage(const fs::path& directory) {
    std::uint64_t bytes = 0;
    std::error_code ignored;
    const auto options = fs::directory_options::skip_permission_denied;
    for (fs::recursive_directory_iterator entry(directory, options, ignored), end; entry != end;
         entry.increment(ignored)) {
        struct stat info {};
        if (::lstat(entry->path().c_str(), &info) == 0) {
            // A share of what is linked more than once (files of a source snapshot).
            const auto links = S_ISDIR(info.st_mode) ? 1 : info.st_nlink;
            bytes += static_cast<std::uint64_t>(info.st_blocks) * 512 / links;
        }
    }
    return bytes;
}

}  // namespace mstage::engine
