#include "agent/image_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "agent/output.hpp"
#include "base/base64.hpp"
#include "base/error.hpp"
#include "base/json.hpp"

namespace mstage::agent {

namespace {

bool is_text(std::string_view bytes) {
    if (bytes.find('\0') != std::string_view::npos) {
        return false;
    }
    try {
        [[maybe_unused]] const std::string json = Json(bytes).dump();
        return true;
    } catch (const Json::type_error&) {
        return false;  // no UTF-8
    }
}

}  // namespace

ImageFile::ImageFile(engine::Engine& engine, const engine::Image& image, const std::string& path)
    // Not in memory: nothing says how long it is.
    : m_file(open_fd("/tmp", O_TMPFILE | O_RDWR, 0600)) {
    engine.write_file_to(image, path, m_file.get());
    struct stat info {};
    ::fstat(m_file.get(), &info);
    m_size = static_cast<std::uint64_t>(info.st_size);
}

std::string ImageFile::bytes(size_t offset, size_t limit) const {
    const std::uint64_t left = m_size - std::min<std::uint64_t>(offset, m_size);
    std::string bytes(std::min<std::uint64_t>(limit, left), '\0');
    size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t count = ::pread(m_file.get(), bytes.data() + done, bytes.size() - done,
                                      static_cast<off_t>(offset + done));
        if (count <= 0) {
            throw SysError(errno, "reading a copy of the file");
        }
        done += static_cast<size_t>(count);
    }
    return bytes;
}

FilePart ImageFile::read(size_t offset, size_t limit) const {
    const std::string bytes = this->bytes(offset, limit);
    const std::string_view text = whole_characters(bytes);
    if (is_text(text) && text.empty() == bytes.empty()) {
        return {.content = std::string(text), .is_text = true, .size = text.size()};
    }
    return {.content = encode_base64(bytes), .is_text = false, .size = bytes.size()};
}

FilePart ImageFile::read_bytes() const {
    const std::string bytes = this->bytes(0, m_size);
    return {.content = encode_base64(bytes), .is_text = false, .size = bytes.size()};
}

}  // namespace mstage::agent
