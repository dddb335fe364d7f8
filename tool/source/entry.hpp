#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace mstage::source {

enum class EntryType : char { file = 'f', directory = 'd', symlink = 'l' };

/// One thing in a source tree, as far as it can change what a stage does: owner and times are not
/// in it.
struct Entry {
    std::string
        path;  ///< relative to the tree's root, '/' between names, any bytes but NUL; never empty
    EntryType type = EntryType::file;
    mode_t mode = 0;   ///< the 07777 bits; 0777 for symlinks
    std::string hash;  ///< SHA-256 of the content or of the link's target; empty for directories

    bool operator==(const Entry&) const = default;
};

/// The directory that `path` is in; "" is the root.
inline std::string_view parent_of(std::string_view path) {
    const size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

/// The last name of `path`.
inline std::string_view name_of(std::string_view path) {
    return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

/// The source was changed while it was looked at. A new scan finds out what it is now.
class SourceChanged : public Error {
public:
    using Error::Error;
};

}  // namespace mstage::source
