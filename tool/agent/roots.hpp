#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mstage::agent {

/// The directories of this machine whose files an agent may have, and write to.
class Roots {
public:
    /// Throws UsageError when one is no directory.
    explicit Roots(const std::vector<std::filesystem::path>& directories);

    const std::vector<std::filesystem::path>& directories() const noexcept { return m_directories; }

    /// Whether a path without links is in one of them.
    bool holds(const std::filesystem::path& real) const;

    /// `path` without links and "..", when that is in one of the directories. It has to be there.
    /// Throws when it is not absolute, not there or elsewhere.
    std::filesystem::path resolve(const std::string& path) const;
    /// The same of a file that may not be there yet, in a directory that is.
    std::filesystem::path resolve_new(const std::string& path) const;

private:
    const std::filesystem::path& check(const std::string& path,
                                       const std::filesystem::path& real) const;

    std::vector<std::filesystem::path> m_directories;
};

}  // namespace mstage::agent
