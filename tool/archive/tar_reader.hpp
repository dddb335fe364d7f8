#pragma once

#include "archive/block_stream.hpp"
#include "archive/entry_sink.hpp"
#include "archive/import.hpp"

namespace mstage::archive {

/// Hands the entries of the tar in `source`, which is read up to its end, to `sink`, finishes that,
/// and counts data and what was left out in `result`. Errors name the entry.
void read_tar(BlockStream& source, EntrySink& sink, Imported& result);

}  // namespace mstage::archive
