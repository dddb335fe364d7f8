#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/lock.hpp"
#include "store/cache_dirs.hpp"
#include "store/image.hpp"
#include "store/name_table.hpp"
#include "store/work_dir.hpp"

namespace mstage::store {

enum class IfMissing { made, left };

/// What became of an image that was to go.
enum class Removal {
    removed,  ///< it is gone
    in_use,   ///< a run, say, has it; it may be tried again
    tagged,   ///< somebody wants it
};

/// The local engine's directory. The file tree is the only truth:
///
///     format                    "mstage-store 1"; another number is refused
///     layers/<id>/              an overlay upper directory, never changed once it is here
///     layers/<id>.size          its bytes on disk, once somebody wanted to know
///     layers/<id>.continues     of one that holds what changed in source files: the layer before it
///     images/<uuid>.json        manifests (image.hpp)
///     unsynced/<uuid>           images whose layers may not be on disk yet: only a to-do list
///     tags/<escaped name>       a movable name, holds the UUID
///     bases/<escaped ref>       what an imported base reference stands for
///     keys/<sha256>             stage key → image
///     links/<sha256>            links that came out of images (the engine's brought_links.hpp)
///     unpacked/<escaped name>   what a container image calls a layer → that layer (below)
///     runs/<uuid>/              run.json, output.log
///     caches/                   directories that outlive runs (cache_dirs.hpp)
///     snapshots/<sha256>        digest of source files → their layers (source/snapshot.hpp)
///     inputs/<sha256>           digest of source files → the list of them (source/input_lists.hpp)
///     tmp/<boot>-<pid>-<rnd>/   work in flight (work_dir.hpp)
///     locks/, grounds/          a file per stage key being worked on; the engine's ground_layer.hpp
///     trash/                    dead layers on their way out
///     gate                      lock: shared to begin work or to pin, exclusive to sweep
///     sync                      lock: who brings layers to disk
///
/// A thing is published by rename and so seen whole or not at all. Publishing order is: layers,
/// then the manifest that names them, then tags and keys that name the manifest.
///
/// Layers of container images have names by which images share them, each a kind of digest and how
/// ids were mapped ("single" keeps no owners, "all" does):
///     diff <ids> sha256:…   a layer that is the same on top of whatever layers, by the digest of
///                           its tar (but see archive/oci/unpack_layer.hpp for its root's attributes)
///     chain <ids> sha256:…  a layer as it is on top of certain layers, by the OCI ChainID
/// A name may be written only after a sync of what it names, because nothing says on which boot
/// that was made; and it keeps nothing alive: who finds a layer by it pins that, then looks whether
/// it is there.
class Store {
public:
    /// `remover` removes trees whose files belong to other ids. A store that is missing is made (mode
    /// 0700), or left for one in which there is nothing: then it can be looked into, and no more.
    Store(std::filesystem::path root, WorkDir::Remover remover,
          IfMissing if_missing = IfMissing::made);

    const std::filesystem::path& root() const noexcept { return m_root; }
    NameTable tags() const { return NameTable(m_root / "tags"); }
    NameTable bases() const { return NameTable(m_root / "bases"); }
    NameTable keys() const { return NameTable(m_root / "keys"); }
    LayerTable unpacked() const;
    CacheDirs caches() const { return CacheDirs(m_root / "caches"); }
    /// See CacheDirs::remove().
    bool remove_cache(const std::string& id) const { return caches().remove(id, m_remover); }

    WorkDir make_work_dir() const;
    /// Removes what dead owners left in tmp/ and trash/, and then also what they were writing elsewhere. Cheap
    /// when there is nothing; never waits.
    void sweep() const;
    /// Waits until nobody else works on the same stage key; `on_wait` is called when it comes to
    /// that.
    FileLock lock_key(const std::string& key, const std::function<void()>& on_wait) const;

    /// The same; one of `signals` ends the wait (Interrupted).
    FileLock lock_key(const std::string& key, const EndSignals& signals) const;

    std::filesystem::path layer_path(const LayerId& layer) const;
    bool has_layer(const LayerId& layer) const;
    /// Makes `directory` (within this store's file system) a layer. It must not be written to any
    /// more.
    LayerId publish_layer(const std::filesystem::path& directory,
                          const LayerId& layer = LayerId::generate()) const;
    /// Of a layer that means something only on top of another: which one that is. To be set before
    /// anything names the layer.
    void set_continued(const LayerId& layer, const LayerId& before) const;
    std::optional<LayerId> continued(const LayerId& layer) const;

    /// Where the manifest is; for build tools that watch it.
    std::filesystem::path manifest_path(const ImageId& image) const;
    /// Stamps `created`, `boot` and `synced`, then publishes the manifest.
    void publish_image(Image& image) const;
    /// Nothing when there is no such image, or when a power cut may have torn it; then its manifest
    /// is removed, so that whoever watches it (Ninja) makes the image anew.
    std::optional<Image> find_image(const ImageId& image) const;
    /// As find_image(); absence is an Error.
    Image get_image(const ImageId& image) const;
    /// All that are whole, newest first.
    std::vector<Image> images() const;
    /// The ids that start with `prefix`.
    std::vector<ImageId> images_with_prefix(const std::string& prefix) const;

    /// Takes the image away unless somebody uses or has tagged it, and with it the layer `own_layer`
    /// of its own, if no other image came to have that too.
    Removal remove_image(const ImageId& image, const std::optional<LayerId>& own_layer) const;

    /// Brings all layers to disk in the background and then marks the images as synced. The child
    /// that does it holds nothing of the caller's but the store and ends by itself.
    void sync_in_background() const;
    /// The same at once. False when the disk reported an error: then nothing is marked.
    bool sync_now() const;

    /// Makes `runs/<uuid>/`.
    std::filesystem::path make_run_dir(const RunId& run) const;
    std::filesystem::path run_dir(const RunId& run) const;
    std::filesystem::path snapshot_path(const std::string& digest) const;
    std::filesystem::path inputs_path(const std::string& digest) const;

private:
    std::optional<Image> read_manifest(const ImageId& image) const;
    void mark_synced(const Image& image) const;
    bool is_tagged(const ImageId& image) const;
    bool is_in_other_manifest(const LayerId& layer, const ImageId& except) const;
    void empty_trash() const;
    void remove_dead_temporaries_of_store() const;

    std::filesystem::path m_root;
    WorkDir::Remover m_remover;
};

}  // namespace mstage::store
