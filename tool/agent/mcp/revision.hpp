#pragma once

#include <optional>
#include <string>

#include "agent/mcp/message.hpp"
#include "base/json.hpp"

/// The protocol has two eras: until 2025-11-25 a connection begins with `initialize`; since 2026-07-28
/// there are no connections, and each request says all that is to be known of its sender. We speak
/// both, the older one with clients that open with its handshake.
namespace mstage::agent {

enum class Era { handshake, stateless };

/// The handshake's answer to a client that asks for `wanted`: that, or the newest revision that is not
/// newer, which who knows a later one mostly knows too; else the newest.
std::string negotiate(const std::string& wanted);

/// The era that a request is of, by its metadata. Throws ProtocolError when these are not whole, or
/// name a revision that is not ours.
Era era_of(const Json& params);

/// Of server/discover and `initialize`.
Json capabilities();
Json server_info(const std::string& version);
Json supported_revisions();

/// What a result has besides in the stateless era. `lifetime_ms` is how long it stays true, for results
/// that may be kept.
Json complete_result(Json result, const std::string& version,
                     std::optional<std::int64_t> lifetime_ms);

}  // namespace mstage::agent
