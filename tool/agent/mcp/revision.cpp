#include "agent/mcp/revision.hpp"

#include <array>

namespace mstage::agent {

namespace {

constexpr const char* k_stateless_revision = "2026-07-28";
/// Newest first. 2025-03-26 is not among them: it has batches.
constexpr std::array k_handshake_revisions = {"2025-11-25", "2025-06-18", "2024-11-05"};

constexpr const char* k_version_key = "io.modelcontextprotocol/protocolVersion";
constexpr const char* k_capabilities_key = "io.modelcontextprotocol/clientCapabilities";
constexpr const char* k_server_info_key = "io.modelcontextprotocol/serverInfo";

}  // namespace

std::string negotiate(const std::string& wanted) {
    for (const std::string revision : k_handshake_revisions) {
        if (revision <= wanted) {
            return revision;
        }
    }
    return k_handshake_revisions.front();
}

Era era_of(const Json& params) {
    const auto meta = params.find("_meta");
    if (meta == params.end()) {
        return Era::handshake;
    }
    if (!meta->is_object()) {
        throw ProtocolError(k_invalid_params, "'_meta' is no object");
    }
    const auto version = meta->find(k_version_key);
    if (version == meta->end()) {
        return Era::handshake;
    }
    if (!version->is_string()) {
        throw ProtocolError(k_invalid_params, fmt::format("'{}' is no string", k_version_key));
    }
    if (*version != k_stateless_revision) {
        throw ProtocolError(k_unsupported_version, "Unsupported protocol version",
                            {{"supported", supported_revisions()}, {"requested", *version}});
    }
    const auto client = meta->find(k_capabilities_key);
    if (client == meta->end() || !client->is_object()) {
        throw ProtocolError(k_invalid_params,
                            fmt::format("'{}' is missing in '_meta'", k_capabilities_key));
    }
    return Era::stateless;
}

Json capabilities() {
    return {{"tools", Json::object()},
            {"prompts", Json::object()},
            {"resources", Json::object()},
            {"completions", Json::object()}};
}

Json server_info(const std::string& version) {
    return {{"name", "mstage"}, {"title", "MultiStageBuild"}, {"version", version}};
}

Json supported_revisions() {
    Json revisions = {k_stateless_revision};
    for (const char* revision : k_handshake_revisions) {
        revisions.push_back(revision);
    }
    return revisions;
}

Json complete_result(Json result, const std::string& version,
                     std::optional<std::int64_t> lifetime_ms) {
    result["resultType"] = "complete";
    result["_meta"][k_server_info_key] = server_info(version);
    if (lifetime_ms) {
        result["ttlMs"] = *lifetime_ms;
        result["cacheScope"] = "private";
    }
    return result;
}

}  // namespace mstage::agent
