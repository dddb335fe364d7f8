#pragma once

#include <filesystem>
#include <vector>

namespace mstage::engine {

/// The links that came out of images and lead out of where they were copied to. An image says where
/// its links lead, so nothing is copied through one of these, however somebody names the way: a link
/// that a person has made is followed, one that an image has made is not.
///
/// Each is a file of `links/` in the store, named by the SHA-256 of the link's path without links on
/// the way. It holds inode number and time of the last change, by which a link that was made anew is
/// another one.
class BroughtLinks {
public:
    explicit BroughtLinks(std::filesystem::path directory) : m_directory(std::move(directory)) {}

    /// Of what was just copied to `destination`.
    void note(const std::filesystem::path& destination,
              const std::vector<std::filesystem::path>& written) const;
    /// Whether `path` itself is one.
    bool has(const std::filesystem::path& path) const;
    /// Throws Error when `path` is one or leads through one.
    void refuse(const std::filesystem::path& path) const;

private:
    std::filesystem::path record_of(const std::filesystem::path& place) const;
    bool is_known(const std::filesystem::path& place) const;

    std::filesystem::path m_directory;
};

}  // namespace mstage::engine
