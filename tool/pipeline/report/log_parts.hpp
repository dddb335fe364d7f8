#pragma once

#include <filesystem>
#include <string>

#include "base/json.hpp"

namespace mstage::pipeline {

/// A log for the report: all of a short one; of a long one the first and the last part, both whole
/// lines if there are lines. {"path", "size_bytes", "head", "tail", "cut_bytes"}; null when there is no
/// such file.
Json log_parts(const std::filesystem::path& log, size_t head_bytes, size_t tail_bytes);

}  // namespace mstage::pipeline
