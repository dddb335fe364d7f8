// Directories that outlive runs.

#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "engine/local/disk_usage.hpp"
#include "engine/local/local_engine.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

/// What tells trees of one map of ids from those of another.
const char* owners_of(sandbox::IdMode mode) {
    switch (mode) {
        case sandbox::IdMode::identity:
            return "identity";
        case sandbox::IdMode::ranges:
            return "ranges";
        case sandbox::IdMode::single:
            break;
    }
    return "single";
}

std::uint64_t total_size(const std::vector<fs::path>& directories) {
    std::uint64_t size = 0;
    for (const fs::path& directory : directories) {
        size += disk_usage(directory);
    }
    return size;
}

}  // namespace

std::vector<store::CacheLease> LocalEngine::take_caches(const RunRequest& request,
                                                        PhaseTimer& timer) const {
    bool has_waited = false;
    const auto on_wait = [&](const Cache& cache) {
        has_waited = true;
        if (request.note) {
            request.note(fmt::format("waiting for cache '{}' ({}), which another run has locked",
                                     cache.id, cache.path));
        }
    };
    auto leases = m_store.caches().take(request.caches, owners_of(m_ids.mode), on_wait);
    if (has_waited) {
        timer.end("wait");
    }
    return leases;
}

std::vector<CacheReport> LocalEngine::caches() {
    std::vector<CacheReport> reports;
    for (const store::CacheInfo& info : m_store.caches().all()) {
        CacheReport report{
            .id = info.id, .copies = info.directories.size(), .last_used = info.last_used};
        if (m_ids.mode == sandbox::IdMode::identity) {
            report.size = total_size(info.directories);
        } else {
            // Other ids of the ranges may have closed their directories.
            const Fd answer(::memfd_create("mstage-size", MFD_CLOEXEC));
            sandbox::run_in_user_namespace(m_ids, [&] {
                write_all(answer.get(), std::to_string(total_size(info.directories)));
            });
            ::lseek(answer.get(), 0, SEEK_SET);
            report.size = std::stoull(read_all(answer.get()));
        }
        reports.push_back(std::move(report));
    }
    return reports;
}

bool LocalEngine::remove_cache(const std::string& id) {
    return m_store.remove_cache(id);
}

}  // namespace mstage::engine
