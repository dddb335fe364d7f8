#pragma once

#include "sandbox/sandbox.hpp"

namespace mstage::sandbox {

/// Mounts the root of a run and all that is in it but /proc, in the mount namespace of the run, and
/// finds out what can be known only then. Nothing is made in the changes for that.
RootFacts prepare_root(const Spec& spec);

}  // namespace mstage::sandbox
