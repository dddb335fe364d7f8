#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "archive/block_stream.hpp"
#include "archive/libarchive.hpp"

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
class ByteSource : public BlockStream {
public:
    explicit ByteSource(int fd);
    /// What `raw` gives, piece by piece, each good until the next call; empty at the end.
    explicit ByteSource(std::function<std::string_view()> raw);

    /// Throws Error for damaged or truncated compression.
    std::string_view next_block() override;

private:
    static la_ssize_t read_raw(::archive* reader, void* source, const void** block);
    void support_filters();
    void begin(int result_of_open);

    ArchiveHandle m_reader;
    std::function<std::string_view()> m_raw;
    bool m_at_end = false;
};

}  // namespace mstage::archive
