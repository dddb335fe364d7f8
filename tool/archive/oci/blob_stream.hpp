#pragma once

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "archive/block_stream.hpp"
#include "archive/file_range.hpp"
#include "base/hash.hpp"

namespace mstage::archive {

/// A layer's blob, read once: decompressed when it is compressed with gzip or zstd, and hashed,
/// before and after that, in a thread of its own while the caller unpacks what came before.
class BlobStream : public BlockStream {
public:
    /// `blob` must outlive this.
    explicit BlobStream(const FileRange& blob);
    ~BlobStream() override;

    std::string_view next_block() override;

    /// SHA-256 of what the range holds and of what next_block() gave, in hexadecimal digits. Once
    /// only, and when next_block() has come to the end.
    struct Digests {
        std::string raw;
        std::string content;
    };
    Digests digests();

private:
    void produce();
    std::string_view read_raw();
    void give(std::string_view block);
    void end(std::exception_ptr error);

    const FileRange& m_blob;

    // The thread's own.
    off_t m_offset = 0;
    std::string m_buffer;
    std::optional<Sha256> m_raw_hash;  // none: nothing is compressed
    Sha256 m_content_hash;

    // Shared, below the mutex. Block n is in buffer n modulo their number.
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::vector<std::string> m_blocks;
    size_t m_given = 0;
    size_t m_taken = 0;  // the last of them is being looked at
    bool m_ended = false;
    bool m_abandoned = false;
    std::exception_ptr m_error;

    std::thread m_thread;  // last: it uses all of the above
};

}  // namespace mstage::archive
