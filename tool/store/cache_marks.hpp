#pragma once

#include <ctime>
#include <filesystem>
#include <string>
#include <vector>

#include "base/lock.hpp"
#include "store/ids.hpp"

namespace mstage::store {

/// Beside a cache, for as long as nobody has searched for secrets in what a run wrote to it:
/// `<copy of the cache>.unsearched.<run>`, lines: the time since when, in seconds since 1970, then the
/// ids of the run's secrets (never more of them). It is locked while the run lives, so what a killed
/// one left can be told from the others; who has the same secrets makes up for the search.
class CacheMark {
public:
    /// Of a run that is about to begin.
    CacheMark(const std::filesystem::path& cache, const RunId& run,
              const std::vector<std::string>& secrets, std::time_t since);
    /// Those of dead runs whose secrets are all among `secrets`. They are held like one's own.
    static std::vector<CacheMark> left_at(const std::filesystem::path& cache,
                                          const std::vector<std::string>& secrets);

    std::time_t since() const { return m_since; }
    /// What was written since then has been searched.
    void remove() { m_lock.remove_and_release(); }

private:
    CacheMark(FileLock lock, std::time_t since) : m_lock(std::move(lock)), m_since(since) {}

    FileLock m_lock;
    std::time_t m_since;
};

/// Of a cache that nobody uses and that goes.
void remove_marks_of(const std::filesystem::path& cache);

}  // namespace mstage::store
