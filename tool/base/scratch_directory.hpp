#pragma once

#include <filesystem>

namespace mstage {

/// An empty directory of our own below $TMPDIR (or /tmp), gone with the object. For what is looked
/// at and thrown away; a killed owner leaves it to whoever tidies that place up.
class ScratchDirectory {
public:
    ScratchDirectory();
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;
    ~ScratchDirectory();

    const std::filesystem::path& path() const noexcept { return m_path; }

private:
    std::filesystem::path m_path;
};

}  // namespace mstage
