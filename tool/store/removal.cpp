// What leaves the store: first out of sight, under the gate, so that nobody can begin to use it;
// then its files, which may take long, when the gate is open again.

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/file.hpp"
#include "store/store.hpp"

namespace mstage::store {

namespace fs = std::filesystem;

namespace {

constexpr const char* k_lock = "lock";

/// The UUIDs that living owners of work directories have pinned.
std::set<std::string> live_pins(const fs::path& tmp) {
    std::set<std::string> pins;
    for (const auto& entry : fs::directory_iterator(tmp)) {
        std::error_code none;
        std::vector<std::string> names;
        for (const auto& pin : fs::directory_iterator(entry.path() / "pins", none)) {
            names.push_back(pin.path().filename());
        }
        try {
            if (names.empty() ||
                FileLock::try_acquire(entry.path() / "lock", LockMode::exclusive)) {
                continue;
            }
        } catch (const SysError&) {
            continue;  // somebody has just swept it
        }
        pins.insert(names.begin(), names.end());
    }
    return pins;
}

}  // namespace

bool Store::is_tagged(const ImageId& id) const {
    return std::ranges::any_of(tags().all(), [&](const auto& tag) { return tag.second == id; });
}

bool Store::is_in_other_manifest(const LayerId& layer, const ImageId& except) const {
    return std::ranges::any_of(images_with_prefix(""), [&](const ImageId& id) {
        return id != except &&
               read_file_if_exists(manifest_path(id)).value_or("").find(layer.str()) !=
                   std::string::npos;
    });
}

Removal Store::remove_image(const ImageId& id, const std::optional<LayerId>& own_layer) const {
    const fs::path trash = m_root / "trash";
    // Before anything is taken away: there may be no room for it.
    make_directories(trash, 0700);
    {
        const FileLock gate = FileLock::acquire(m_root / "gate", LockMode::exclusive);
        // Before the tags and manifests: who names an image, or makes one of a layer, lets go of it when
        // that is done.
        const std::set<std::string> pins = live_pins(m_root / "tmp");
        if (is_tagged(id)) {
            return Removal::tagged;
        }
        if (pins.contains(id.str())) {
            return Removal::in_use;
        }
        ::unlink(manifest_path(id).c_str());
        ::unlink((m_root / "unsynced" / id.str()).c_str());
        if (!own_layer || pins.contains(own_layer->str()) || is_in_other_manifest(*own_layer, id)) {
            return Removal::removed;
        }
        ::unlink((layer_path(*own_layer).native() + ".size").c_str());
        if (::rename(layer_path(*own_layer).c_str(), (trash / own_layer->str()).c_str()) != 0 &&
            errno != ENOENT) {
            throw SysError(errno, "removing layer '{}'", own_layer->str());
        }
    }
    empty_trash();
    return Removal::removed;
}

void Store::empty_trash() const {
    const fs::path trash = m_root / "trash";
    const Fd directory(::open(trash.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) {
        return;
    }
    std::vector<std::string> names = names_in_directory(Fd(::dup(directory.get())));
    std::erase(names, k_lock);
    if (names.empty()) {
        return;
    }
    // Who does it already finishes it, or leaves it to whoever opens the store next.
    const auto turn = FileLock::try_acquire(trash / k_lock, LockMode::exclusive);
    for (const std::string& name : names) {
        try {
            if (turn) {
                m_remover(trash / name);
            }
        } catch (const Error&) {
            // Somebody else's files, say: they cost space, not the store.
        }
    }
}

}  // namespace mstage::store
