#include "engine/local/run_record.hpp"

#include "base/error.hpp"

namespace mstage::engine {

namespace {

const char* to_string(CacheSharing sharing) {
    switch (sharing) {
        case CacheSharing::locked:
            return "locked";
        case CacheSharing::private_:
            return "private";
        case CacheSharing::shared:
            break;
    }
    return "shared";
}

std::vector<Cache> caches_from(const Json& json) {
    std::vector<std::string> texts;
    for (const Json& cache : json) {
        texts.push_back(fmt::format("{},sharing={},id={}", json_get<std::string>(cache, "path"),
                                    json_find<std::string>(cache, "sharing").value_or("shared"),
                                    json_get<std::string>(cache, "id")));
    }
    return parse_caches(texts);
}

std::chrono::nanoseconds nanoseconds(double seconds) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(seconds));
}

}  // namespace

Json to_json(const std::vector<Cache>& caches) {
    Json list = Json::array();
    for (const Cache& cache : caches) {
        list.push_back(
            {{"path", cache.path}, {"id", cache.id}, {"sharing", to_string(cache.sharing)}});
    }
    return list;
}

RunRecord run_record_from(const Json& json) {
    RunRecord record;
    record.origin = json_get<std::string>(json, "origin");
    record.command = json_get<std::string>(json, "command");
    record.environment = json_get<std::map<std::string, std::string>>(json, "environment");
    record.workdir = json_find<std::string>(json, "workdir").value_or("");
    record.user = json_find<std::string>(json, "user").value_or("");
    record.caches = caches_from(json_find<Json>(json, "caches").value_or(Json::array()));
    record.network = json_get<bool>(json, "network") ? Network::on : Network::off;
    record.timeout = nanoseconds(json_get<double>(json, "timeout_s"));
    record.started = parse_time(json_get<std::string>(json, "started"));
    record.outcome.code = json_get<int>(json, "exit_code");
    record.outcome.timed_out = json_get<bool>(json, "timed_out");
    record.outcome.interrupted_by = json_find<int>(json, "interrupted_by");
    record.outcome.usage.wall = nanoseconds(json_get<double>(json, "wall_s"));
    record.filesystem_changed = json_get<bool>(json, "filesystem_changed");
    record.key_parts = json_find<Json>(json, "key_parts").value_or(Json());
    return record;
}

}  // namespace mstage::engine
