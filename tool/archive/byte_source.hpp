#pragma once

#include "archive/libarchive.hpp"

#include <memory>
#include <string_view>

namespace mstage::archive {

struct FreeArchive {
    void operator()(::archive* reader) const { libarchive().archive_read_free(reader); }
};
using ArchiveHandle = std::unique_ptr<::archive, FreeArchive>;

/// What a file or pipe holds, decompressed when it is compressed with gzip, bzip2, xz, lzma or
/// zstd.
///
/// A layer of its own below the tar reader, because that stops at the archive's end mark, while the
/// checksums of xz, bzip2 and zstd come behind it: only who reads everything has them checked.
class ByteSource {
public:
    explicit ByteSource(int fd);

    /// Good until the next call; empty at the end. Throws Error for damaged or truncated
    /// compression.
    std::string_view next_block();
    /// Reads up to the end.
    void drain();

private:
    ArchiveHandle m_reader;
    bool m_at_end = false;
};

}  // namespace mstage::archive
