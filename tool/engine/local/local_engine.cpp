#include "engine/local/local_engine.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "engine/local/disk_usage.hpp"
#include "engine/local/file_info.hpp"
#include "engine/local/image_tree.hpp"
#include "engine/local/root_layout.hpp"
#include "engine/local/run_record.hpp"
#include "engine/tag_name.hpp"
#include "sandbox/user_namespace.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

/// Trees may hold files of other ids of the user's ranges; inside of the user namespace they are
/// ours to remove.
store::WorkDir::Remover make_remover(const sandbox::IdMap& ids) {
    return [ids](const fs::path& path) {
        try {
            remove_tree(path);
        } catch (const Error&) {
            if (ids.mode == sandbox::IdMode::identity) {
                throw;
            }
            sandbox::run_in_user_namespace(ids, [&] { remove_tree(path); });
        }
    };
}

class LocalKeyLock : public KeyLock {
public:
    explicit LocalKeyLock(FileLock lock) : m_lock(std::move(lock)) {}
    ~LocalKeyLock() override { m_lock.remove_and_release(); }

private:
    FileLock m_lock;
};

std::string lower_case(std::string text) {
    for (char& c : text) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return text;
}

/// Not to be counted again; where it cannot be kept, in a full store, it is.
void remember_size(const fs::path& file, const std::string& size) {
    try {
        write_file_atomically(file, size);
    } catch (const SysError&) {  // NOLINT(bugprone-empty-catch): see above
    }
}

std::string candidates_text(const std::vector<ImageId>& ids) {
    constexpr size_t k_shown = 5;
    std::string text = "give more digits:";
    for (size_t i = 0; i < std::min(ids.size(), k_shown); ++i) {
        text += (i == 0 ? " " : ", ") + ids[i].str();
    }
    return text + (ids.size() > k_shown ? ", …" : "");
}

}  // namespace

LocalEngine::LocalEngine(const fs::path& store_root, store::IfMissing if_missing)
    : m_ids(sandbox::detect_id_map()), m_store(store_root, make_remover(m_ids), if_missing) {
    m_store.sweep();
}

std::unique_ptr<KeyLock> LocalEngine::lock_key(const std::string& key,
                                               const std::function<void()>& on_wait) {
    return std::make_unique<LocalKeyLock>(m_store.lock_key(key, on_wait));
}

std::unique_ptr<KeyLock> LocalEngine::lock_key(const std::string& key, const EndSignals& signals) {
    return std::make_unique<LocalKeyLock>(m_store.lock_key(key, signals));
}

std::optional<ImageId> LocalEngine::find_key(const std::string& key) {
    const auto id = m_store.keys().find(key);
    return id && m_store.find_image(*id) ? id : std::nullopt;
}

void LocalEngine::set_key(const std::string& key, const ImageId& image) {
    m_store.keys().set(key, image);
}

std::optional<ImageId> LocalEngine::find_image(const std::string& text) {
    if (text.starts_with("tag:")) {
        const std::string name = text.substr(4);
        const auto id = m_store.tags().find(name);
        if (!id) {
            throw with_hint(Error("tag '{}' is not in store '{}'", name, m_store.root().native()),
                            fmt::format("'mstage tag' lists the tags that there are; 'mstage "
                                        "import --tag {} REFERENCE' makes one",
                                        name));
        }
        return id;
    }
    const bool is_prefix = text.size() >= k_shortest_prefix &&
                           text.find_first_not_of("0123456789abcdefABCDEF-") == std::string::npos;
    if (!is_prefix) {
        return std::nullopt;
    }
    if (const auto id = ImageId::parse(text)) {
        return id;
    }
    const std::vector<ImageId> ids = m_store.images_with_prefix(lower_case(text));
    if (ids.size() > 1) {
        throw with_hint(
            Error("'{}' is ambiguous: the UUIDs of {} images start so", text, ids.size()),
            candidates_text(ids));
    }
    return ids.empty() ? std::nullopt : std::optional(ids.front());
}

Image LocalEngine::image(const ImageId& id) {
    return m_store.get_image(id);
}

std::optional<Image> LocalEngine::find(const ImageId& id) {
    return m_store.find_image(id);
}

std::vector<Image> LocalEngine::images() {
    return m_store.images();
}

store::LayerId LocalEngine::publish_layer(const fs::path& directory) {
    const auto layer = store::LayerId::generate();
    try {
        return m_store.publish_layer(directory, layer);
    } catch (const SysError& error) {
        if (error.number() != EACCES || m_ids.mode == sandbox::IdMode::identity) {
            throw;
        }
        // To move a directory elsewhere is to write its "..": not ours to do when "/" of the image
        // belongs to another id of the ranges.
        sandbox::run_in_user_namespace(m_ids, [&] { m_store.publish_layer(directory, layer); });
        return layer;
    }
}

std::uint64_t LocalEngine::layer_size(const store::LayerId& layer) {
    // Layers never change, so neither does what was counted once.
    const fs::path cache = m_store.layer_path(layer).native() + ".size";
    if (const auto known = read_file_if_exists(cache); known && !known->empty()) {
        return std::stoull(*known);
    }
    const auto count = [&] { return std::to_string(disk_usage(m_store.layer_path(layer))); };
    const std::string size = m_ids.mode == sandbox::IdMode::identity
                                 ? count()
                                 : sandbox::answer_from_user_namespace(m_ids, count);
    remember_size(cache, size);
    return std::stoull(size);
}

std::optional<RunRecord> LocalEngine::find_run(const RunId& id) {
    const fs::path directory = m_store.run_dir(id);
    const auto text = read_file_if_exists(directory / "run.json");
    try {
        if (text) {
            RunRecord record = run_record_from(parse_json(*text, "run.json"));
            record.log = directory / "output.log";
            return record;
        }
    } catch (const Error&) {
        // Torn by a power cut: as good as none.
    }
    return std::nullopt;
}

Removal LocalEngine::remove_failed_state(const ImageId& id) {
    const auto image = m_store.find_image(id);
    if (!image || image->state != ImageState::failed) {
        return Removal::removed;
    }
    // Without a change there is none, and the last layer is the parent's or the source's.
    const auto run = image->run ? find_run(*image->run) : std::nullopt;
    const bool has_own = run && run->filesystem_changed && !image->layers.empty();
    return m_store.remove_image(id, has_own ? std::optional(image->layers.back()) : std::nullopt);
}

std::uint64_t LocalEngine::size_of(const Image& image) {
    std::uint64_t size = 0;
    for (const store::LayerId& layer : image.layers) {
        size += layer_size(layer);
    }
    return size;
}

fs::path LocalEngine::witness(const ImageId& id) {
    return m_store.manifest_path(id);
}

std::vector<std::pair<std::string, ImageId>> LocalEngine::tags() {
    return m_store.tags().all();
}

void LocalEngine::set_tag(const std::string& name, const ImageId& image) {
    check_tag_name(name);
    store::WorkDir work = m_store.make_work_dir();
    work.pin(image);
    // Who names an image wants to find it again, also after a power cut.
    const ImageId id = m_store.get_image(image).id;
    m_store.sync_now();
    m_store.tags().set(name, id, Durable::yes);
}

bool LocalEngine::remove_tag(const std::string& name) {
    return m_store.tags().remove(name);
}

std::string LocalEngine::with_tree(const Image& image,
                                   const std::function<std::string(const ImageTree&)>& body) {
    store::WorkDir work = m_store.make_work_dir();
    work.pin(image.id);
    const RootLayout layout =
        lay_out_root(m_store, image.ground, image.layers, m_ids, Access::read_only, work.path());
    const auto look = [&] {
        sandbox::mount_root(layout.plan);
        const Fd root = open_fd(layout.plan.mount_point, O_PATH | O_DIRECTORY);
        return body(ImageTree(root.get()));
    };
    return sandbox::answer_from_user_namespace(m_ids, look, layout.plan.bare);
}

std::vector<FileInfo> LocalEngine::list(const Image& image, const std::string& path,
                                        bool recursive) {
    const std::string answer = with_tree(image, [&](const ImageTree& tree) {
        Json files = Json::array();
        for (const FileInfo& file : tree.list(path, recursive)) {
            files.push_back(to_json(file));
        }
        return pack(files);
    });
    std::vector<FileInfo> files;
    for (const Json& file : unpack(answer)) {
        files.push_back(file_info_from(file));
    }
    return files;
}

void LocalEngine::write_file_to(const Image& image, const std::string& path, int fd) {
    with_tree(image, [&](const ImageTree& tree) {
        tree.write_file_to(path, fd);
        return std::string();
    });
}

}  // namespace mstage::engine
