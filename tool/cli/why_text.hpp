#pragma once

#include <string>

#include "base/json.hpp"
#include "pipeline/why.hpp"

namespace mstage::cli {

enum class Listing { first, all };

std::string why_text(const pipeline::Why& why, Listing files);
Json why_json(const pipeline::Why& why);

}  // namespace mstage::cli
