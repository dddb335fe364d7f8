#include "base/json.hpp"

namespace mstage {

namespace {

constexpr int k_max_depth = 200;

}  // namespace

Json parse_json_value(std::string_view text, std::string_view what) {
    try {
        // Copying recurses, and what comes from elsewhere could be deeper than the stack.
        const auto check_depth = [&](int depth, Json::parse_event_t, Json&) {
            if (depth > k_max_depth) {
                throw Error("{}: nested too deep", what);
            }
            return true;
        };
        return Json::parse(text, check_depth);
    } catch (const nlohmann::json::parse_error& error) {
        throw Error("{}: not valid JSON at byte {}", what, error.byte);
    } catch (const nlohmann::json::out_of_range&) {
        throw Error("{}: a number is too large", what);
    }
}

Json parse_json(std::string_view text, std::string_view what) {
    Json json = parse_json_value(text, what);
    if (!json.is_object()) {
        throw Error("{}: not a JSON object", what);
    }
    return json;
}

std::string dump_json(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string dump_json_indented(const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace mstage
