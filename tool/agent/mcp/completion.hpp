#pragma once

#include "agent/operation.hpp"
#include "agent/settings.hpp"
#include "base/json.hpp"

namespace mstage::agent {

/// completion/complete: what an argument of a prompt, or a variable of a resource template, may be.
/// `params` is the request's. Throws ProtocolError when it is not whole, or names no prompt or
/// template.
Json complete(const Settings& settings, const OperationFiles& operations, const Json& params);

}  // namespace mstage::agent
