#include "archive/byte_source.hpp"

#include <cerrno>

#include "archive/libarchive.hpp"
#include "archive/member_path.hpp"
#include "base/error.hpp"

namespace mstage::archive {

namespace {

// Bigger ones fall out of the processor's cache between being read and being written.
constexpr size_t k_read_size = 256UL * 1024;

Error error_of(::archive* reader) {
    const char* text = libarchive().archive_error_string(reader);
    return Error("{}", printable(text != nullptr ? text : "unknown error"));
}

}  // namespace

ByteSource::ByteSource(int fd) : m_reader(libarchive().archive_read_new()) {
    support_filters();
    begin(libarchive().archive_read_open_fd(m_reader.get(), fd, k_read_size));
}

ByteSource::ByteSource(std::function<std::string_view()> raw)
    : m_reader(libarchive().archive_read_new()), m_raw(std::move(raw)) {
    support_filters();
    begin(libarchive().archive_read_open(m_reader.get(), this, nullptr, read_raw, nullptr));
}

/// libarchive is C: no exception may pass through it.
la_ssize_t ByteSource::read_raw(::archive* reader, void* source, const void** block) {
    try {
        const std::string_view bytes = static_cast<ByteSource*>(source)->m_raw();
        *block = bytes.data();
        return static_cast<la_ssize_t>(bytes.size());
    } catch (const std::exception& error) {
        libarchive().archive_set_error(reader, EIO, "%s", error.what());
        return -1;
    }
}

void ByteSource::support_filters() {
    ::archive* raw = m_reader.get();
    if (raw == nullptr) {
        throw SysError(ENOMEM, "reading the archive");
    }
    libarchive().archive_read_support_filter_gzip(raw);
    libarchive().archive_read_support_filter_bzip2(raw);
    libarchive().archive_read_support_filter_xz(raw);
    libarchive().archive_read_support_filter_lzma(raw);
    libarchive().archive_read_support_filter_zstd(raw);
    // No format: one entry that is all there is. An empty file has none.
    libarchive().archive_read_support_format_raw(raw);
    libarchive().archive_read_support_format_empty(raw);
}

void ByteSource::begin(int result_of_open) {
    if (result_of_open != ARCHIVE_OK) {
        throw error_of(m_reader.get());
    }
    archive_entry* everything = nullptr;
    const int result = libarchive().archive_read_next_header(m_reader.get(), &everything);
    if (result != ARCHIVE_OK && result != ARCHIVE_EOF) {
        throw error_of(m_reader.get());
    }
    m_at_end = result == ARCHIVE_EOF;
}

std::string_view ByteSource::next_block() {
    const void* block = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    while (!m_at_end && size == 0) {
        const int result =
            libarchive().archive_read_data_block(m_reader.get(), &block, &size, &offset);
        if (result != ARCHIVE_OK && result != ARCHIVE_EOF) {
            throw error_of(m_reader.get());
        }
        m_at_end = result == ARCHIVE_EOF;
    }
    return m_at_end ? std::string_view() : std::string_view(static_cast<const char*>(block), size);
}

}  // namespace mstage::archive
