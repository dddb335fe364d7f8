#include "archive/oci/blob_stream.hpp"

#include "archive/byte_source.hpp"
#include "base/error.hpp"

namespace mstage::archive {

namespace {

constexpr size_t k_read_size = 256UL * 1024;
// Enough that neither side waits for a burst of the other.
constexpr size_t k_buffers = 16;

bool is_compressed(const FileRange& blob) {
    char magic[4] = {};
    const std::string_view start(magic, read_at(blob, 0, magic, sizeof magic));
    constexpr std::string_view k_gzip = "\x1f\x8b";
    constexpr std::string_view k_zstd = "\x28\xb5\x2f\xfd";
    // Frames that zstd is to pass over: "\x50\x2a\x4d\x18" to "\x5f…".
    const bool skippable = start.ends_with("\x2a\x4d\x18") && (start.front() & 0xf0) == 0x50;
    return start.starts_with(k_gzip) || start == k_zstd || skippable;
}

}  // namespace

BlobStream::BlobStream(const FileRange& blob)
    : m_blob(blob), m_buffer(k_read_size, '\0'), m_blocks(k_buffers) {
    if (is_compressed(blob)) {
        m_raw_hash.emplace();
    }
    libarchive();  // loaded by one thread
    m_thread = std::thread([this] { produce(); });
}

BlobStream::~BlobStream() {
    {
        const std::lock_guard lock(m_mutex);
        m_abandoned = true;
    }
    m_changed.notify_all();
    m_thread.join();
}

void BlobStream::produce() {
    try {
        if (m_raw_hash) {
            ByteSource source([this] { return read_raw(); });
            for (auto block = source.next_block(); !block.empty(); block = source.next_block()) {
                give(block);
            }
            // What is behind the compressed data is part of the blob too.
            while (!read_raw().empty()) {
            }
        } else {
            for (auto block = read_raw(); !block.empty(); block = read_raw()) {
                give(block);
            }
        }
        end(nullptr);
    } catch (...) {
        end(std::current_exception());
    }
}

std::string_view BlobStream::read_raw() {
    const size_t count = read_at(m_blob, m_offset, m_buffer.data(), m_buffer.size());
    m_offset += static_cast<off_t>(count);
    const std::string_view bytes(m_buffer.data(), count);
    if (m_raw_hash) {
        m_raw_hash->update(bytes);
    }
    return bytes;
}

void BlobStream::give(std::string_view block) {
    m_content_hash.update(block);
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [this] { return m_given < m_taken + k_buffers - 1 || m_abandoned; });
    if (m_abandoned) {
        throw Error("nobody reads on");
    }
    // Nobody looks at a buffer that was not given yet.
    std::string& buffer = m_blocks[m_given % k_buffers];
    lock.unlock();
    buffer.assign(block);
    lock.lock();
    ++m_given;
    lock.unlock();
    m_changed.notify_all();
}

void BlobStream::end(std::exception_ptr error) {
    {
        const std::lock_guard lock(m_mutex);
        m_ended = true;
        m_error = std::move(error);
    }
    m_changed.notify_all();
}

std::string_view BlobStream::next_block() {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [this] { return m_taken < m_given || m_ended; });
    if (m_taken == m_given) {
        if (m_error) {
            std::rethrow_exception(m_error);
        }
        return {};
    }
    const std::string& block = m_blocks[m_taken % k_buffers];
    ++m_taken;
    lock.unlock();
    m_changed.notify_all();
    return block;
}

BlobStream::Digests BlobStream::digests() {
    std::string content = m_content_hash.finish();
    return {m_raw_hash ? m_raw_hash->finish() : content, content};
}

}  // namespace mstage::archive
