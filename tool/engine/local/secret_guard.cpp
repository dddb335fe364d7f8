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

void SecretGuard::watch(const std::vector<sandbox::CacheMount>& mounts,
                        const std::vector<Cache>& caches, const RunId& run) {
    if (m_patterns.empty()) {
        return;
    }
    // Files get their times from a clock that is a little behind.
    const auto since = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()) - 1;
    for (size_t i = 0; i < mounts.size(); ++i) {
        auto marks = store::CacheMark::left_at(mounts[i].source, m_ids);
        marks.emplace_back(mounts[i].source, run, m_ids, since);
        m_caches.push_back({mounts[i].source, caches[i], std::move(marks)});
    }
}

std::vector<Leak> SecretGuard::leaks_in_caches(const sandbox::IdMap& ids) {
    if (m_caches.empty()) {
        return {};
    }
    std::vector<NamedTree> trees;
    for (const WatchedCache& watched : m_caches) {
        const auto first = std::ranges::min_element(watched.marks, {}, &store::CacheMark::since);
        trees.push_back({.tree = {.directory = watched.directory,
                                  .name = watched.cache.path,
                                  .since = first->since()},
                         .cache = watched.cache.id});
    }
    std::vector<Leak> leaks = search(m_patterns, m_ids, trees, ids);
    for (WatchedCache& watched : m_caches) {
        // While there is something, whoever comes next is told of it too.
        if (std::ranges::find(leaks, watched.cache.id, &Leak::cache) == leaks.end()) {
            std::ranges::for_each(watched.marks, &store::CacheMark::remove);
        }
    }
    return leaks;
}

}  // namespace mstage::engine
