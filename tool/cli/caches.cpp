#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

namespace {

void remove_caches(engine::Engine& engine, const std::vector<std::string>& ids) {
    for (const std::string& id : ids) {
        engine::check_cache_id(id);
    }
    for (const std::string& id : ids) {
        if (!engine.remove_cache(id)) {
            throw with_hint(Error("cache '{}' is not there", id),
                            "'mstage caches' lists those that there are");
        }
    }
}

}  // namespace

int run_caches(const Arguments& arguments) {
    VerbParser parser("caches");
    std::vector<std::string> removed;
    bool json = false;
    parser.options("--rm", "CACHE", removed, "Remove the cache, unless a run is using it");
    parser.flag("--json", json, "Print JSON");
    parser.footer("Caches are what CACHE in a pipeline and --cache of 'mstage run' name.");
    if (!parser.read(arguments)) {
        return k_good;
    }
    const Workplace place(parser.common);
    if (!removed.empty()) {
        remove_caches(*place.engine, removed);
        return k_good;
    }
    const std::vector<engine::CacheReport> caches = place.engine->caches();
    if (json) {
        Json list = Json::array();
        for (const engine::CacheReport& cache : caches) {
            list.push_back({{"id", cache.id},
                            {"size_bytes", cache.size},
                            {"copies", cache.copies},
                            {"last_used", format_time(cache.last_used)}});
        }
        print_line(dump_json({{"caches", std::move(list)}}));
        return k_good;
    }
    const auto now = std::chrono::system_clock::now();
    for (const engine::CacheReport& cache : caches) {
        print_line(fmt::format("{:>9}  used {:>8} ago  {}", human_size(cache.size),
                               human_duration(now - cache.last_used), cache.id));
    }
    return k_good;
}

}  // namespace mstage::cli
