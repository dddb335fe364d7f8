#pragma once

#include <string>
#include <vector>

#include "pipeline/status.hpp"

namespace mstage::cli {

/// The checkpoints as a tree, with their states, as wide as stdout allows. `command` is how a person
/// calls this program for this build tree.
std::string status_text(const std::vector<pipeline::CheckpointStatus>& statuses,
                        const std::string& command);

}  // namespace mstage::cli
