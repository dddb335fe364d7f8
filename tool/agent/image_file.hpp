#pragma once

#include <cstdint>
#include <string>

#include "base/fd.hpp"
#include "engine/engine.hpp"

namespace mstage::agent {

/// A part of a file as JSON can hold it.
struct FilePart {
    std::string content;  ///< text, or base64
    bool is_text = true;
    size_t size = 0;  ///< so many bytes of the file
};

/// A regular file of an image. Throws when it is none.
class ImageFile {
public:
    ImageFile(engine::Engine& engine, const engine::Image& image, const std::string& path);

    std::uint64_t size() const noexcept { return m_size; }
    /// At most `limit` bytes, and of text whole characters.
    FilePart read(size_t offset, size_t limit) const;
    /// All of it, in base64 whatever it is.
    FilePart read_bytes() const;

private:
    std::string bytes(size_t offset, size_t limit) const;

    Fd m_file;
    std::uint64_t m_size = 0;
};

}  // namespace mstage::agent
