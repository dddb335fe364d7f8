#pragma once

#include <vector>

#include "base/secret_stream.hpp"
#include "engine/engine.hpp"
#include "engine/local/root_layout.hpp"
#include "store/cache_marks.hpp"

namespace mstage::engine {

/// Keeps a run's secrets out of its output, and finds them in what it wrote. Without secrets it does
/// nothing, and costs nothing.
class SecretGuard {
public:
    explicit SecretGuard(const std::vector<Secret>& secrets);

    /// What the run's output goes to, and `sink` gets without the secrets. Called once.
    OutputSink guarded(OutputSink sink, sandbox::Streams streams);
    /// The output has ended: what was held back goes to the sink.
    void finish_output(const Outcome& outcome);

    /// Those in what the run has written. Throws Interrupted.
    std::vector<Leak> leaks_in(const RootLayout& layout, const sandbox::IdMap& ids) const;
    /// From now on the run may write to these caches. Should it be killed, that is known to who uses
    /// one next with the same secrets.
    void watch(const std::vector<sandbox::CacheMount>& mounts, const std::vector<Cache>& caches,
               const RunId& run);
    /// Those in files of the watched caches that were changed since, by this run or by a killed one.
    std::vector<Leak> leaks_in_caches(const sandbox::IdMap& ids);

private:
    struct Output {
        Stream stream;
        SecretStream text;
    };
    struct WatchedCache {
        std::filesystem::path directory;
        Cache cache;
        std::vector<store::CacheMark> marks;
    };
    SecretStream& text_of(Stream stream);

    std::vector<std::string> m_ids;
    SecretPatterns m_patterns;
    OutputSink m_sink;
    std::vector<Output> m_outputs;
    std::vector<WatchedCache> m_caches;
};

}  // namespace mstage::engine
