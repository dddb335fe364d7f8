#include "store/cache_dirs.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <map>

#include "base/error.hpp"
#include "base/file.hpp"
#include "store/cache_marks.hpp"

namespace mstage::store {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view k_lock = ".lock";
constexpr std::string_view k_gone = ".gone";

fs::path lock_of(const fs::path& directory) {
    return directory.native() + std::string(k_lock);
}

TimePoint time_of(const fs::path& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) {
        return {};
    }
    const auto since =
        std::chrono::seconds(info.st_mtim.tv_sec) + std::chrono::nanoseconds(info.st_mtim.tv_nsec);
    return TimePoint(std::chrono::duration_cast<TimePoint::duration>(since));
}

CacheLease lease(fs::path directory, FileLock lock) {
    ::futimens(lock.fd(), nullptr);
    return {std::move(directory), std::move(lock)};
}

}  // namespace

CacheLease CacheDirs::take_one(const Cache& cache, const std::string& owners,
                               const std::function<void(const Cache&)>& on_wait) const {
    const auto copy = [&](int number) {
        return m_folder / fmt::format("{}@{}.{}", cache.id, owners, number);
    };
    if (cache.sharing == CacheSharing::private_) {
        for (int number = 0;; ++number) {
            if (auto lock = FileLock::try_acquire(lock_of(copy(number)), LockMode::exclusive)) {
                return lease(copy(number), std::move(*lock));
            }
        }
    }
    const LockMode mode =
        cache.sharing == CacheSharing::locked ? LockMode::exclusive : LockMode::shared;
    if (auto lock = FileLock::try_acquire(lock_of(copy(0)), mode)) {
        return lease(copy(0), std::move(*lock));
    }
    on_wait(cache);
    return lease(copy(0), FileLock::acquire(lock_of(copy(0)), mode));
}

std::vector<CacheLease> CacheDirs::take(const std::vector<Cache>& caches, const std::string& owners,
                                        const std::function<void(const Cache&)>& on_wait) const {
    if (caches.empty()) {
        return {};
    }
    make_directories(m_folder, 0700);
    std::vector<const Cache*> by_id;
    for (const Cache& cache : caches) {
        by_id.push_back(&cache);
    }
    std::ranges::sort(by_id, {}, &Cache::id);
    std::map<std::string, CacheLease> taken;
    for (const Cache* cache : by_id) {
        taken.emplace(cache->id, take_one(*cache, owners, on_wait));
    }
    std::vector<CacheLease> leases;
    for (const Cache& cache : caches) {
        leases.push_back(std::move(taken.at(cache.id)));
    }
    return leases;
}

std::vector<CacheInfo> CacheDirs::all() const {
    std::map<std::string, CacheInfo> found;
    if (fs::exists(m_folder)) {
        for (const auto& entry : fs::directory_iterator(m_folder)) {
            const std::string name = entry.path().filename().native();
            const size_t at = name.find('@');
            if (at == std::string::npos || !entry.is_directory()) {
                continue;
            }
            CacheInfo& info = found[name.substr(0, at)];
            info.id = name.substr(0, at);
            info.directories.push_back(entry.path());
            info.last_used = std::max(info.last_used, time_of(lock_of(entry.path())));
        }
    }
    std::vector<CacheInfo> infos;
    for (auto& [id, info] : found) {
        infos.push_back(std::move(info));
    }
    return infos;
}

bool CacheDirs::remove(const std::string& id,
                       const std::function<void(const fs::path&)>& remover) const {
    const std::vector<CacheInfo> caches = all();
    const auto info = std::ranges::find(caches, id, &CacheInfo::id);
    if (info == caches.end()) {
        return false;
    }
    std::vector<FileLock> locks;
    for (const fs::path& directory : info->directories) {
        if (directory.extension() == k_gone) {
            continue;
        }
        auto lock = FileLock::try_acquire(lock_of(directory), LockMode::exclusive);
        if (!lock) {
            throw with_hint(Error("cache '{}' is in use", id), "try again when the run has ended");
        }
        locks.push_back(std::move(*lock));
    }
    // Renamed first: a cache is never seen with half of it gone.
    for (const fs::path& directory : info->directories) {
        fs::path gone = directory;
        if (directory.extension() != k_gone) {
            gone += k_gone;
            remover(gone);
            fs::rename(directory, gone);
        }
        remover(gone);
        remove_marks_of(directory);
    }
    for (FileLock& lock : locks) {
        lock.remove_and_release();
    }
    return true;
}

}  // namespace mstage::store
