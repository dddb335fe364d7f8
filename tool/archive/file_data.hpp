#pragma once

#include <sys/types.h>

#include <cstdint>

namespace mstage::archive {

/// Copies the contents of the regular file `source` into the empty file `target`, which gets the
/// same size and the same holes. Shares the data where the file system can. Returns how many bytes
/// are not in holes.
std::uint64_t copy_file_data(int source, int target, off_t size);

}  // namespace mstage::archive
