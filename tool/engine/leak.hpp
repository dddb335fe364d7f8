#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"

namespace mstage::engine {

/// A place where a command left a secret.
struct Leak {
    std::string secret;  ///< its id
    std::string path;    ///< as the command calls it, and without what is secret in it
    std::string cache;   ///< the id of the cache that it is in; empty: the image
};

/// In records, reports and --json: a list of objects with `secret`, `path` and `cache` (null for the
/// image).
Json to_json(const std::vector<Leak>& leaks);
std::vector<Leak> leaks_from(const Json& list);

}  // namespace mstage::engine
