#pragma once

#include <vector>

#include "base/secret_stream.hpp"
#include "engine/engine.hpp"
#include "engine/local/root_layout.hpp"

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
    /// Those in files of its caches that were changed after `started`.
    std::vector<Leak> leaks_in(const std::vector<sandbox::CacheMount>& mounts,
                               const std::vector<Cache>& caches, TimePoint started,
                               const sandbox::IdMap& ids) const;

private:
    struct Output {
        Stream stream;
        SecretStream text;
    };
    SecretStream& text_of(Stream stream);

    std::vector<std::string> m_ids;
    SecretPatterns m_patterns;
    OutputSink m_sink;
    std::vector<Output> m_outputs;
};

}  // namespace mstage::engine
