#include "agent/mcp/message.hpp"

namespace mstage::agent {

namespace {

bool is_id(const Json& id) {
    return id.is_string() || id.is_number_integer();
}

Json parse_line(const std::string& line) {
    try {
        return parse_json_value(line, "message");
    } catch (const Error& error) {
        throw ProtocolError(k_parse_error, "this is no JSON: " + error.message());
    }
}

Message message_from(Json& json) {
    Message message{.id = nullptr, .method = "", .params = Json::object()};
    if (json.contains("id")) {
        if (!is_id(json["id"])) {
            throw ProtocolError(k_invalid_request, "'id' is neither a string nor an integer");
        }
        message.id = json["id"];
    }
    if (!json.contains("method") || !json["method"].is_string()) {
        throw ProtocolError(k_invalid_request, "'method' is no string");
    }
    message.method = json["method"].get<std::string>();
    if (json.contains("params") && !json["params"].is_null()) {
        message.params = std::move(json["params"]);
    }
    if (!message.params.is_object()) {
        throw ProtocolError(k_invalid_params, "'params' is no object");
    }
    return message;
}

}  // namespace

Json ProtocolError::to_json() const {
    Json error = {{"code", m_code}, {"message", message()}};
    if (!m_data.is_null()) {
        error["data"] = m_data;
    }
    return error;
}

std::string string_member(const Json& params, const char* name) {
    const auto member = params.find(name);
    if (member == params.end() || !member->is_string()) {
        throw ProtocolError(k_invalid_params, fmt::format("'{}' is missing, or no string", name));
    }
    return member->get<std::string>();
}

std::optional<Message> parse_message(const std::string& line) {
    Json json = parse_line(line);
    if (!json.is_object()) {
        throw ProtocolError(k_invalid_request,
                            json.is_array() ? "batches are not taken" : "this is no object");
    }
    try {
        if (json.value("jsonrpc", Json()) != "2.0") {
            throw ProtocolError(k_invalid_request, "'jsonrpc' is not \"2.0\"");
        }
        if (!json.contains("method") && (json.contains("result") || json.contains("error"))) {
            return std::nullopt;
        }
        return message_from(json);
    } catch (ProtocolError& error) {
        if (!json.contains("id") && json.contains("method")) {
            return std::nullopt;  // nobody waits for the answer to a notification
        }
        error.id = json.contains("id") && is_id(json["id"]) ? json["id"] : Json();
        throw;
    }
}

Json make_response(const Json& id, Json result) {
    return {{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}};
}

Json make_error(const Json& id, const ProtocolError& error) {
    return {{"jsonrpc", "2.0"}, {"id", id}, {"error", error.to_json()}};
}

Json make_notification(const std::string& method, Json params) {
    return {{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}};
}

}  // namespace mstage::agent
