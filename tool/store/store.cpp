#include "store/store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "store/boot.hpp"

namespace mstage::store {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view k_format = "mstage-store 1\n";
constexpr std::string_view k_manifest_suffix = ".json";
constexpr const char* k_continues_suffix = ".continues";

/// A store belongs to one user: what one stage wrote, another trusts. False when nothing is there.
bool check_owner(const fs::path& root) {
    struct stat info {};
    const bool is_there = ::stat(root.c_str(), &info) == 0;
    if (!is_there && errno == ENOENT) {
        return false;
    }
    if (!is_there || !S_ISDIR(info.st_mode)) {
        throw SysError(is_there ? ENOTDIR : errno, "opening store '{}'", root.native());
    }
    if (info.st_uid != ::geteuid()) {
        throw with_hint(
            Error("store '{}' belongs to another user (id {})", root.native(), info.st_uid),
            "set MSTAGE_STORE to a directory of your own");
    }
    return true;
}

void check_format(const fs::path& root) {
    const fs::path path = root / "format";
    const auto format = read_file_if_exists(path);
    if (!format) {
        write_file_atomically(path, k_format);
    } else if (*format != k_format) {
        throw with_hint(
            Error("store '{}' has a format that this mstage does not know", root.native()),
            "use the mstage that made it, or set MSTAGE_STORE to another directory");
    }
}

/// A store that is left missing has no directories.
std::vector<fs::path> entries_of(const fs::path& directory) {
    std::vector<fs::path> entries;
    if (fs::exists(directory)) {
        for (const auto& entry : fs::directory_iterator(directory)) {
            entries.push_back(entry.path());
        }
    }
    return entries;
}

}  // namespace

Store::Store(fs::path root, WorkDir::Remover remover, IfMissing if_missing)
    : m_root(std::move(root)), m_remover(std::move(remover)) {
    std::error_code unknown;
    if (!fs::exists(m_root / "format", unknown)) {
        check_owner(m_root);
        if (if_missing == IfMissing::left) {
            return;
        }
        with_context("making the store", [&] {
            make_directories(m_root, 0700);
            for (const char* name : {"layers", "images", "unsynced", "tags", "bases", "keys",
                                     "runs", "snapshots", "inputs", "tmp", "locks"}) {
                make_directories(m_root / name, 0700);
            }
        });
    }
    check_owner(m_root);
    check_format(m_root);
}

LayerTable Store::unpacked() const {
    // Stores of the first versions have none.
    make_directories(m_root / "unpacked", 0700);
    return LayerTable(m_root / "unpacked");
}

WorkDir Store::make_work_dir() const {
    return {m_root / "tmp", m_root / "gate", m_remover};
}

void Store::sweep() const {
    empty_trash();
    for (const fs::path& dir : entries_of(m_root / "tmp")) {
        std::optional<FileLock> owner;
        {
            // Exclusive, so that nobody is between making a directory and locking it.
            const auto gate = FileLock::try_acquire(m_root / "gate", LockMode::exclusive);
            if (!gate) {
                return;
            }
            try {
                owner = FileLock::try_acquire(dir / "lock", LockMode::exclusive);
            } catch (const SysError&) {
                continue;  // somebody else swept it meanwhile
            }
        }
        if (owner) {
            try {
                m_remover(dir);
                remove_dead_temporaries_of_store();
            } catch (const Error&) {
                // Somebody else's files, say. A leftover costs space; it must not cost the store.
            }
        }
    }
}

void Store::remove_dead_temporaries_of_store() const {
    // Not where people choose names, which could look like one of those.
    for (const char* name : {"layers", "images", "unsynced", "keys", "snapshots", "inputs"}) {
        if (fs::exists(m_root / name)) {  // stores of the first versions lack the last one
            remove_dead_temporaries(m_root / name);
        }
    }
}

FileLock Store::lock_key(const std::string& key, const std::function<void()>& on_wait) const {
    const fs::path path = m_root / "locks" / key;
    if (auto lock = FileLock::try_acquire(path, LockMode::exclusive)) {
        return std::move(*lock);
    }
    on_wait();
    return FileLock::acquire(path, LockMode::exclusive);
}

FileLock Store::lock_key(const std::string& key, const EndSignals& signals) const {
    return FileLock::acquire(m_root / "locks" / key, LockMode::exclusive, signals);
}

fs::path Store::layer_path(const LayerId& layer) const {
    return m_root / "layers" / layer.str();
}

bool Store::has_layer(const LayerId& layer) const {
    return fs::exists(layer_path(layer));
}

LayerId Store::publish_layer(const fs::path& directory, const LayerId& layer) const {
    if (::rename(directory.c_str(), layer_path(layer).c_str()) != 0) {
        throw SysError(errno, "publishing layer '{}'", layer.str());
    }
    return layer;
}

void Store::set_continued(const LayerId& layer, const LayerId& before) const {
    write_file_atomically(layer_path(layer).native() + k_continues_suffix, before.str());
}

std::optional<LayerId> Store::continued(const LayerId& layer) const {
    const auto text = read_file_if_exists(layer_path(layer).native() + k_continues_suffix);
    return text ? LayerId::parse(*text) : std::nullopt;
}

fs::path Store::manifest_path(const ImageId& image) const {
    return m_root / "images" / (image.str() + std::string(k_manifest_suffix));
}

void Store::publish_image(Image& image) const {
    image.created =
        std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    image.boot = boot_id();
    image.synced = false;
    write_file_atomically(manifest_path(image.id), dump_json_indented(to_json(image)));
    // Not before: whoever brings images to disk just now would find no manifest to mark and strike
    // the image off.
    open_fd(m_root / "unsynced" / image.id.str(), O_WRONLY | O_CREAT, 0600);
}

std::optional<Image> Store::read_manifest(const ImageId& id) const {
    const fs::path path = manifest_path(id);
    const auto text = read_file_if_exists(path);
    if (!text) {
        return std::nullopt;
    }
    if (!Json::accept(*text)) {
        // Cut off or all zeros, as a power cut leaves a file: nobody ever wrote such a thing.
        ::unlink(path.c_str());
        return std::nullopt;
    }
    return with_context(fmt::format("reading image '{}'", path.native()), [&] {
        return std::optional(image_from_json(parse_json(*text, "manifest")));
    });
}

std::optional<Image> Store::find_image(const ImageId& id) const {
    std::optional<Image> image = read_manifest(id);
    if (!image) {
        return std::nullopt;  // nothing to remove: the manifest may be published this very moment
    }
    const bool torn = !image->synced && image->boot != boot_id();
    const bool whole = !torn && std::ranges::all_of(image->layers, [&](const LayerId& layer) {
        return has_layer(layer);
    });
    if (!whole) {
        ::unlink(manifest_path(id).c_str());
        return std::nullopt;
    }
    return image;
}

Image Store::get_image(const ImageId& id) const {
    auto image = find_image(id);
    if (!image) {
        throw with_hint(Error("image '{}' is not in store '{}'", id.str(), m_root.native()),
                        "set MSTAGE_STORE to the store that has it, or build the checkpoint again");
    }
    return std::move(*image);
}

std::vector<Image> Store::images() const {
    std::vector<Image> images;
    for (const ImageId& id : images_with_prefix("")) {
        if (auto image = find_image(id)) {
            images.push_back(std::move(*image));
        }
    }
    std::ranges::sort(images, std::greater<>(), &Image::created);
    return images;
}

std::vector<ImageId> Store::images_with_prefix(const std::string& prefix) const {
    std::vector<ImageId> ids;
    for (const fs::path& path : entries_of(m_root / "images")) {
        const auto id = ImageId::parse(path.stem().native());
        if (id && path.extension() == k_manifest_suffix && id->str().starts_with(prefix)) {
            ids.push_back(*id);
        }
    }
    return ids;
}

fs::path Store::make_run_dir(const RunId& run) const {
    make_directories(run_dir(run), 0700);
    return run_dir(run);
}

fs::path Store::run_dir(const RunId& run) const {
    return m_root / "runs" / run.str();
}

fs::path Store::snapshot_path(const std::string& digest) const {
    return m_root / "snapshots" / digest;
}

fs::path Store::inputs_path(const std::string& digest) const {
    return m_root / "inputs" / digest;
}

}  // namespace mstage::store
