#include "engine/local/secret_guard.hpp"

#include <sys/resource.h>

#include <algorithm>

#include "base/end_signals.hpp"
#include "base/json.hpp"
#include "engine/local/secret_scan.hpp"

namespace mstage::engine {

namespace {

/// Enough to see where they come from.
constexpr size_t k_most_leaks = 10;
/// What is typed comes back letter by letter, and has to be seen.
constexpr size_t k_least_held_on_terminal = 4;

struct NamedTree {
    ScannedTree tree;
    std::string cache{};
};

/// Directories are open all the way down.
void allow_many_files() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// In the user namespace: files may belong to any of its ids.
std::vector<Leak> search(const SecretPatterns& patterns, const std::vector<std::string>& secrets,
                         const std::vector<NamedTree>& trees, const sandbox::IdMap& ids) {
    const EndSignals signals;
    const std::string answer = sandbox::answer_from_user_namespace(
        ids,
        [&] {
            allow_many_files();
            std::vector<Leak> found;
            for (const NamedTree& item : trees) {
                for (const FoundSecret& place :
                     find_secrets(patterns, item.tree, k_most_leaks - found.size())) {
                    found.push_back({secrets[place.secret], place.path, item.cache});
                }
            }
            return dump_json({{"leaks", to_json(found)}});
        },
        {}, &signals);
    return leaks_from(json_get<Json>(parse_json(answer, "the list of secrets"), "leaks"));
}

}  // namespace

SecretGuard::SecretGuard(const std::vector<Secret>& secrets) {
    for (const Secret& secret : secrets) {
        m_ids.push_back(secret.id);
        m_patterns.add(secret.value);
    }
}

OutputSink SecretGuard::guarded(OutputSink sink, sandbox::Streams streams) {
    if (m_patterns.empty()) {
        return sink;
    }
    m_sink = std::move(sink);
    for (const Stream stream : {Stream::out, Stream::err}) {
        m_outputs.push_back(
            {stream,
             SecretStream(
                 m_patterns, [this, stream](std::string_view clear) { m_sink(stream, clear); },
                 [this, stream](size_t) { m_sink(stream, k_redacted); },
                 streams == sandbox::Streams::terminal ? k_least_held_on_terminal : 1)});
    }
    return [this](Stream stream, std::string_view data) { text_of(stream).feed(data); };
}

SecretStream& SecretGuard::text_of(Stream stream) {
    return std::ranges::find(m_outputs, stream, &Output::stream)->text;
}

void SecretGuard::finish_output(const Outcome& outcome) {
    for (Output& output : m_outputs) {
        output.text.finish(outcome.ok() ? SecretStream::End::whole : SecretStream::End::cut);
    }
}

std::vector<Leak> SecretGuard::leaks_in(const RootLayout& layout, const sandbox::IdMap& ids) const {
    if (m_patterns.empty()) {
        return {};
    }
    std::vector<NamedTree> trees = {{.tree = {.directory = layout.upper, .name = ""}}};
    for (const auto& [name, upper] : layout.top_uppers) {
        trees.push_back({.tree = {.directory = upper, .name = "/" + name}});
    }
    return search(m_patterns, m_ids, trees, ids);
}

std::vector<Leak> SecretGuard::leaks_in(const std::vector<sandbox::CacheMount>& mounts,
                                        const std::vector<Cache>& caches, TimePoint started,
                                        const sandbox::IdMap& ids) const {
    if (m_patterns.empty() || mounts.empty()) {
        return {};
    }
    // Files get their times from a clock that is a little behind.
    const auto since = std::chrono::system_clock::to_time_t(started) - 1;
    std::vector<NamedTree> trees;
    for (size_t i = 0; i < mounts.size(); ++i) {
        trees.push_back(
            {.tree = {.directory = mounts[i].source, .name = caches[i].path, .since = since},
             .cache = caches[i].id});
    }
    return search(m_patterns, m_ids, trees, ids);
}

}  // namespace mstage::engine
