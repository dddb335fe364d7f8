#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "pipeline/plan.hpp"

namespace mstage::pipeline {

/// Notes in the file `record` which copies were made of an image's files, and removes those of last
/// time that were not made again, unless somebody has changed them since. The record is a JSON object:
/// `version` 2 and `copies`, path → size and time of the last change. In paths all but printable ASCII,
/// and '%', is %XX: a name need not be a text. Version 1 had them as they are.
void record_deliveries(const std::filesystem::path& record,
                       const std::vector<std::filesystem::path>& written);

/// An image says where its links lead, and the next copy could follow them: those among `written`
/// that lead out of the directory `destination` are removed again, and an Error names the first.
void refuse_links_out(const std::filesystem::path& destination,
                      const std::vector<std::filesystem::path>& written);

/// For what a build brings out of an image: throws Error for a place that belongs to the build tool,
/// to CMake or to us, at the top of the build tree. Artifacts may lie beside these.
engine::CopyGuard keep_build_system(const std::filesystem::path& build_dir);

/// Brings the stage's artifacts out of an image, whatever made that: what it does not have is left
/// out. `warn` is told of what goes wrong, which is not the stage's failure.
void deliver_artifacts(engine::Engine& engine, const Plan& plan, const Stage& stage,
                       const engine::ImageId& image,
                       const std::function<void(const std::string&)>& warn);

}  // namespace mstage::pipeline
