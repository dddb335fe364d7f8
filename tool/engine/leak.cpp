#include "engine/leak.hpp"

namespace mstage::engine {

Json to_json(const std::vector<Leak>& leaks) {
    Json list = Json::array();
    for (const Leak& leak : leaks) {
        list.push_back({{"secret", leak.secret},
                        {"path", leak.path},
                        {"cache", leak.cache.empty() ? Json() : Json(leak.cache)}});
    }
    return list;
}

std::vector<Leak> leaks_from(const Json& list) {
    std::vector<Leak> leaks;
    for (const Json& leak : list) {
        leaks.push_back({.secret = json_get<std::string>(leak, "secret"),
                         .path = json_get<std::string>(leak, "path"),
                         .cache = json_find<std::string>(leak, "cache").value_or("")});
    }
    return leaks;
}

}  // namespace mstage::engine
