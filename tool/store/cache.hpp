#pragma once

#include <string>
#include <vector>

namespace mstage::store {

/// What happens when several runs want the same cache at once.
enum class CacheSharing {
    shared,   ///< they use it together
    locked,   ///< they use it one after the other
    private_  ///< each gets a copy of its own, the first that is free
};

/// A directory that outlives runs, and where it is in the sandbox. Written as
///
///     PATH[,sharing=shared|locked|private][,id=ID]
///
/// PATH is absolute and has neither ".." nor a comma. Without an id it comes from the path, so that
/// all who have a cache at that place share it. An id has letters, digits, '.', '_' and '-', does
/// not start with '.', and is at most 128 long.
struct Cache {
    std::string path;
    std::string id;
    CacheSharing sharing = CacheSharing::shared;
    bool operator==(const Cache&) const = default;
};

/// Throws UsageError.
Cache parse_cache(const std::string& text);
/// The caches of one run, of which no two may have the same path or id, sorted by path.
std::vector<Cache> parse_caches(const std::vector<std::string>& texts);
/// As above; throws UsageError unless it is an id.
void check_cache_id(const std::string& id);

}  // namespace mstage::store
