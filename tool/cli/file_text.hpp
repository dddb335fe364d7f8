#pragma once

#include <string>

#include "base/json.hpp"
#include "engine/engine.hpp"

namespace mstage::cli {

Json to_json(const engine::FileInfo& file);

/// For names, which can hold line ends too, and would then look like several.
std::string on_one_line(const std::string& text);

/// "f0644     0:0           12 B"
std::string attributes_text(const engine::FileInfo& file);

}  // namespace mstage::cli
