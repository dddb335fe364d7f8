#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "archive/file_range.hpp"

namespace mstage::archive {

/// The files that a container image consists of, where they are: nothing is copied or unpacked to
/// read them.
class ImageFiles {
public:
    virtual ~ImageFiles() = default;

    /// The regular file `path`, by way of symbolic links that stay inside; nothing when there is
    /// none.
    virtual std::optional<FileRange> find(const std::string& path) const = 0;

    /// As find(); absence is an Error.
    FileRange get(const std::string& path) const;
};

/// Of a directory.
std::unique_ptr<ImageFiles> files_of_directory(const std::filesystem::path& directory);

/// Of a tar archive. One that is compressed as a whole is unpacked into the empty directory
/// `scratch` first.
std::unique_ptr<ImageFiles> files_of_archive(const std::filesystem::path& archive,
                                             const std::filesystem::path& scratch);

}  // namespace mstage::archive
