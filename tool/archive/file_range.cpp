#include "archive/file_range.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/error.hpp"
#include "base/hash.hpp"

namespace mstage::archive {

namespace {
// Registries take manifests of 4 MiB at most.
constexpr off_t k_longest_document = off_t{32} * 1024 * 1024;
constexpr size_t k_read_size = 256UL * 1024;
}  // namespace

size_t read_at(const FileRange& range, off_t offset, char* buffer, size_t size) {
    const size_t left = static_cast<size_t>(std::max<off_t>(range.size - offset, 0));
    size_t done = 0;
    while (done < std::min(size, left)) {
        const ssize_t count = ::pread(range.file.get(), buffer + done, std::min(size, left) - done,
                                      range.begin + offset + static_cast<off_t>(done));
        if (count < 0 && errno != EINTR) {
            throw SysError(errno, "reading");
        }
        if (count == 0) {
            break;
        }
        done += static_cast<size_t>(std::max<ssize_t>(count, 0));
    }
    return done;
}

std::string read_document(const FileRange& range) {
    if (range.size > k_longest_document) {
        throw Error("{} bytes are too many for a JSON document", range.size);
    }
    std::string text(static_cast<size_t>(range.size), '\0');
    text.resize(read_at(range, 0, text.data(), text.size()));
    return text;
}

std::string sha256_hex_of(const FileRange& range) {
    Sha256 hash;
    std::vector<char> buffer(k_read_size);
    for (off_t at = 0;;) {
        const size_t count = read_at(range, at, buffer.data(), buffer.size());
        if (count == 0) {
            return hash.finish();
        }
        hash.update({buffer.data(), count});
        at += static_cast<off_t>(count);
    }
}

}  // namespace mstage::archive
