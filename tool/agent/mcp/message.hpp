#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/json.hpp"

/// JSON-RPC 2.0, as the Model Context Protocol has it.
namespace mstage::agent {

enum ErrorCode {
    k_parse_error = -32700,
    k_invalid_request = -32600,
    k_method_not_found = -32601,
    k_invalid_params = -32602,
    k_internal_error = -32603,
    k_resource_not_found = -32002,  ///< until revision 2025-11-25
    k_unsupported_version = -32022,
};

/// What is answered with an error object.
class ProtocolError : public Error {
public:
    ProtocolError(int code, std::string message, Json data = {})
        : Error("{}", message), m_code(code), m_data(std::move(data)) {}

    Json to_json() const;
    /// Of the request, as far as it could be read; else null.
    Json id{};

private:
    int m_code;
    Json m_data;
};

struct Message {
    Json id;  ///< null: a notification, which nobody answers
    std::string method;
    Json params;  ///< an object

    bool is_request() const { return !id.is_null(); }
};

/// The member of a request's parameters that has to be a string. Throws ProtocolError.
std::string string_member(const Json& params, const char* name);

/// Nothing for an answer, as we ask nothing, and for a notification that is wrong. Throws
/// ProtocolError.
std::optional<Message> parse_message(const std::string& line);

Json make_response(const Json& id, Json result);
Json make_error(const Json& id, const ProtocolError& error);
Json make_notification(const std::string& method, Json params);

}  // namespace mstage::agent
