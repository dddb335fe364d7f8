#pragma once

#include <string>

#include "base/json.hpp"
#include "engine/engine.hpp"
#include "pipeline/plan.hpp"

namespace mstage::pipeline {

/// What the stage takes from other checkpoints, as these are now. Throws when one of them is not there.
std::vector<engine::ImageCopy> present_copies(const Plan& plan, const Stage& stage);

/// What a stage's result depends on, part by part. The key is the SHA-256 of their CBOR, with
/// members sorted.
///
/// In: the engine and its format version, the parent image, command, environment, working
/// directory, network, where the source files go, and the digest of those that the stage declares;
/// where they are given, also the user, the places and ids of caches, the ids of secrets, and the
/// images, paths and destinations of what is copied from other checkpoints.
///
/// Out, on purpose: what is in the caches and how they are shared, what the secrets are and where
/// they come from, the timeout (it only decides
/// whether there is a result), LIVE, proxies, names
/// of pipeline, stage and checkpoint but for the one that commands can see (MSTAGE_STAGE), times
/// and owners of source files, paths of this machine, and the helper itself: k_format_version
/// speaks for it.
Json stage_key_parts(const Plan& plan, const Stage& stage, const std::string& engine,
                     const engine::ImageId& parent, const std::string& inputs_digest,
                     const std::vector<engine::ImageCopy>& copies = {});

std::string stage_key(const Json& parts);

/// The environment that a task's command gets besides the image's and the defaults.
std::map<std::string, std::string> task_environment(const Task& task);

}  // namespace mstage::pipeline
