#pragma once

#include <sys/types.h>

#include <string>

#include "base/fd.hpp"

namespace mstage::archive {

/// A part of an open file. Reading does not move the file's position, so ranges of one file may
/// share their descriptor's.
struct FileRange {
    Fd file;
    off_t begin = 0;
    off_t size = 0;
};

/// Up to `size` bytes from `offset` of the range on, into `buffer`; fewer at its end, or at that of
/// a file that was cut off.
size_t read_at(const FileRange& range, off_t offset, char* buffer, size_t size);

/// All of it: for documents. Throws Error for what is too long for one.
std::string read_document(const FileRange& range);

/// The SHA-256 of all of it, in hexadecimal digits.
std::string sha256_hex_of(const FileRange& range);

}  // namespace mstage::archive
