#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "archive/oci/oci_types.hpp"
#include "archive/tar_writer.hpp"
#include "base/atomic_file.hpp"
#include "base/end_signals.hpp"
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
/// empty. For a layout that nobody else has.
void add_to_index(const std::filesystem::path& layout, const Descriptor& manifest,
                  const std::string& tag);

/// Whether the directory is there and images can be added: it is a layout, or empty but for what is
/// on its way there (base/staging_directory.hpp). Throws Error when it is anything else.
bool takes_images(const std::filesystem::path& directory);

/// Adds the image that the layout `from` (in the same file system) holds to a directory that takes
/// images, under the tag as add_to_index() does. Its blobs are moved, also in place of those that
/// are there, which a power cut may have torn. Who does so at the same time waits; one of `signals`
/// ends the wait.
void add_to_layout(const std::filesystem::path& from, const std::filesystem::path& into,
                   const Descriptor& manifest, const std::string& tag, const EndSignals& signals);

/// The layout as an oci-archive. Gives the same bytes for the same layout.
void archive_layout(const std::filesystem::path& layout, const TarWriter::Output& output);

}  // namespace mstage::archive
