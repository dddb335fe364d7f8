#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/lock.hpp"
#include "base/text.hpp"
#include "store/cache.hpp"

namespace mstage::store {

/// A cache that a run may use for as long as it holds this.
struct CacheLease {
    std::filesystem::path directory;  ///< may not be there yet
    FileLock lock;
};

struct CacheInfo {
    std::string id;
    std::vector<std::filesystem::path> directories;  ///< its copies
    TimePoint last_used;
};

/// `caches/` of a store:
///
///     <id>@<owners>.<n>/        copy number n, from 0; what is in it is the commands' business
///     <id>@<owners>.<n>.lock    lock: held while a run uses the copy, shared or exclusive; its
///                               time is that of the last use
///     <id>@<owners>.<n>.gone    a copy on its way out
///     <id>@<owners>.<n>.unsearched.<run>    where there may be secrets (cache_marks.hpp)
///
/// `owners` says what ids the files have: trees written with different maps of ids do not mix.
class CacheDirs {
public:
    explicit CacheDirs(std::filesystem::path folder) : m_folder(std::move(folder)) {}

    /// All that one run needs, in the order of `caches`. Waits where somebody else has locked one;
    /// `on_wait` is called with it when it comes to that. Runs wait for each other in the order of
    /// ids, so they cannot wait in a circle.
    std::vector<CacheLease> take(const std::vector<Cache>& caches, const std::string& owners,
                                 const std::function<void(const Cache&)>& on_wait) const;

    /// All, sorted by id.
    std::vector<CacheInfo> all() const;

    /// Removes all copies; false when there are none. An Error when one is in use: then none is
    /// removed.
    bool remove(const std::string& id,
                const std::function<void(const std::filesystem::path&)>& remover) const;

private:
    CacheLease take_one(const Cache& cache, const std::string& owners,
                        const std::function<void(const Cache&)>& on_wait) const;

    std::filesystem::path m_folder;
};

}  // namespace mstage::store
