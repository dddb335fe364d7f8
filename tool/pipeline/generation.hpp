#pragma once

#include <string>

#include "engine/engine.hpp"
#include "pipeline/checkpoint.hpp"
#include "pipeline/plan.hpp"

namespace mstage::pipeline {

/// The generation of the checkpoint that a person means: `@-1`, `@-2`, …, a UUID, the start of one
/// or tag:NAME, a time (RFC 3339), or how long ago: `90s`, `30m`, `2h`, `3d`. An image that never
/// was this checkpoint is one when the same stage of a pipeline of that name made it, in another
/// build tree. Whether the store still has it is not looked at. Throws when there is none.
Checkpoint find_generation(engine::Engine& engine, const Plan& plan, const std::string& checkpoint,
                           const std::string& text, TimePoint now);

}  // namespace mstage::pipeline
