#include "base/json.hpp"

namespace mstage {

Json parse_json(std::string_view text, std::string_view what) {
    try {
        Json json = Json::parse(text);
        if (!json.is_object()) {
            throw Error("{}: not a JSON object", what);
        }
        return json;
    } catch (const nlohmann::json::parse_error& error) {
        throw Error("{}: not valid JSON at byte {}", what, error.byte);
    }
}

std::string dump_json(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string dump_json_indented(const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace mstage
