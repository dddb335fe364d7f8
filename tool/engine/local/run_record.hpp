#pragma once

#include "base/json.hpp"
#include "engine/engine.hpp"

namespace mstage::engine {

/// Of a run's run.json. Fields that records of the first versions lack are as if the run had not
/// been told. Throws Error when it is none.
RunRecord run_record_from(const Json& json);

/// "path", "id" and "sharing" of each.
Json to_json(const std::vector<Cache>& caches);

}  // namespace mstage::engine
