#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "archive/oci/oci_types.hpp"
#include "archive/tar_writer.hpp"
#include "base/atomic_file.hpp"
#include "base/hash.hpp"

namespace mstage::archive {

Json to_json(const Descriptor& descriptor);

/// A blob on its way into a layout: hashed as it is written, seen under its digest when it is whole.
/// Without finish() nothing stays.
class BlobWriter {
public:
    explicit BlobWriter(const std::filesystem::path& layout);

    void write(std::string_view bytes);
    Descriptor finish(std::string_view media_type);

private:
    std::filesystem::path m_blobs;
    AtomicFile m_file;
    Sha256 m_hash;
    std::uint64_t m_size = 0;
};

/// Makes the empty directory an OCI image layout without blobs and images.
void make_layout(const std::filesystem::path& directory);

/// A JSON document as a blob.
Descriptor add_document(const std::filesystem::path& layout, const Json& document,
                        std::string_view media_type);

/// Adds the image to index.json under the tag, in place of what had the tag; under no tag when it is
/// empty. Who does so at the same time waits.
void add_to_index(const std::filesystem::path& layout, const Descriptor& manifest,
                  const std::string& tag);

/// Throws Error when `directory` is there and neither empty nor a layout. True when it is a layout.
bool is_layout(const std::filesystem::path& directory);

/// Moves the blobs of `from` (of the same file system) to the layout `into`, also in place of
/// those that it has, which a power cut may have torn.
void move_blobs(const std::filesystem::path& from, const std::filesystem::path& into);

/// The layout as an oci-archive. Gives the same bytes for the same layout.
void archive_layout(const std::filesystem::path& layout, const TarWriter::Output& output);

}  // namespace mstage::archive
