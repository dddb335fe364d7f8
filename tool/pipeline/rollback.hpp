#pragma once

#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "pipeline/build_tree.hpp"
#include "pipeline/forecast.hpp"
#include "pipeline/tree_change.hpp"

/// Going back. Each of these says what is to be changed (TreeTurn makes it), and throws when that
/// cannot be: a name that is none, an image that the store has lost. None looks at the source.
namespace mstage::pipeline {

/// What is made from the checkpoint, or copies from it, is dropped, and so on; its keys are retired,
/// so that the next build runs it again.
TreeChange roll_back(engine::Engine& engine, const BuildTree& tree, const CheckpointName& point);

/// The checkpoint becomes this generation of it and stays that. What is made from it is left to the
/// next build.
TreeChange put_back(engine::Engine& engine, const CheckpointName& point,
                    const Checkpoint& generation);

/// The next build makes the checkpoint what it should be again.
TreeChange unpin(const CheckpointName& point);

/// Takes back the last of these. Throws when there is none.
TreeChange undo(engine::Engine& engine, const BuildTree& tree);

}  // namespace mstage::pipeline
