#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"

namespace mstage::agent {

/// What of `value` is against the JSON schema, for whoever made it: "timeout: Expected number …".
/// Empty when all is well.
std::vector<std::string> schema_faults(const Json& value, const Json& schema);

/// Gives members of the object that are missing the defaults of the schema's properties.
void add_defaults(Json& object, const Json& schema);

}  // namespace mstage::agent
