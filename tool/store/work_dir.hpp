#pragma once

#include <filesystem>
#include <functional>

#include "base/lock.hpp"
#include "store/ids.hpp"

namespace mstage::store {

/// `tmp/<boot>-<pid>-<random>/`: work in flight. The lock in it is held while the owner lives, so
/// what it pins is in use exactly as long, and what is found there unlocked was left by somebody
/// who died.
///
/// The directory goes with the object. Files that belong to other ids of the user namespace can't
/// be removed from here; the engine hands in how.
class WorkDir {
public:
    using Remover = std::function<void(const std::filesystem::path&)>;

    /// `gate` is the store's lock: held shared for as long as it takes to have a locked directory,
    /// so that a sweep (exclusive) sees it locked or not at all.
    WorkDir(const std::filesystem::path& tmp, const std::filesystem::path& gate, Remover remover);
    WorkDir(WorkDir&&) noexcept = default;
    WorkDir& operator=(WorkDir&&) = delete;
    ~WorkDir();

    const std::filesystem::path& path() const noexcept { return m_path; }

    /// From now on garbage collection leaves the image (and all that it is made of) alone. Pin
    /// first, then look whether it exists, then use it.
    void pin(const ImageId& image) { pin(image.str()); }
    /// The same for a layer that is to become part of a new image.
    void pin(const LayerId& layer) { pin(layer.str()); }

    /// In a forked child: the directory is the parent's business, the destructor does nothing here.
    void disown() noexcept { m_path.clear(); }

private:
    void pin(const std::string& uuid);

    std::filesystem::path m_path;
    std::filesystem::path m_gate;
    std::optional<FileLock> m_lock;
    Remover m_remover;
};

}  // namespace mstage::store
