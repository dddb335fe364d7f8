#pragma once

#include "agent/settings.hpp"

namespace mstage::agent {

/// Serves the Model Context Protocol on the descriptors, JSON-RPC in lines, until the input ends or a
/// signal comes; what runs then is cancelled. One thread, which only ever waits for all at once:
/// whatever takes time or could fail badly is done in processes of its own (Job).
void serve(const Settings& settings, int input, int output);

}  // namespace mstage::agent
