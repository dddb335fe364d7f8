// Base images: what a pipeline starts from.

#include <algorithm>

#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/text.hpp"
#include "engine/local/base_images.hpp"
#include "engine/local/container/registry_reference.hpp"
#include "engine/local/host_ground.hpp"
#include "engine/local/local_engine.hpp"

namespace mstage::engine {

namespace {

constexpr std::string_view k_host = "host";

std::string known_forms() {
    std::string forms = "host, tag:NAME, an image's UUID";
    for (const BaseKind& kind : base_kinds()) {
        forms += fmt::format(", {}", kind.example);
    }
    return forms;
}

/// What the reference is called in the table of bases. Without ids there are no owners, which make
/// another image.
std::string base_name(const std::string& reference, sandbox::IdMode mode) {
    constexpr size_t k_longest_file_name = 200;
    const bool fits = escape_file_name(reference).size() <= k_longest_file_name;
    const std::string name = fits ? reference : "sha256:" + sha256_hex(reference);
    return mode == sandbox::IdMode::single ? name + " with a single id" : name;
}

std::string host_key(const std::string& fingerprint) {
    return sha256_hex(fmt::format("{} host {}", k_format_version, fingerprint));
}

}  // namespace

Base LocalEngine::host_base() {
    const std::string fingerprint = host_fingerprint();
    const std::string key = host_key(fingerprint);
    const auto turn = lock_key(key, [] {});
    Base base{.image = ImageId::generate(), .watched = host_witnesses(), .warnings = {}};
    if (const auto known = find_key(key)) {
        base.image = *known;
        return base;
    }
    Image image{.id = base.image, .ground = store::Ground::host};
    image.origin = "import host";
    image.key = key;
    image.key_parts = {{"host", fingerprint}};
    m_store.publish_image(image);
    m_store.keys().set(key, image.id);
    m_store.bases().set(std::string(k_host), image.id);
    m_store.sync_in_background();
    base.imported = true;
    return base;
}

Base LocalEngine::imported_base(const std::string& reference, Refresh refresh) {
    const BaseKind* kind = find_base_kind(reference);
    if (kind == nullptr) {
        throw with_hint(UsageError("base '{}' is of no known kind", reference),
                        "known are: " + known_forms());
    }
    const store::NameTable bases = m_store.bases();
    const auto turn = lock_key(sha256_hex("base " + reference), [] {});
    const std::string name = base_name(reference, m_ids.mode);
    Base base{.image = ImageId::generate(), .watched = {bases.path_of(name)}, .warnings = {}};
    const auto known = bases.find(name);
    if (known && refresh == Refresh::no && m_store.find_image(*known)) {
        base.image = *known;
        return base;
    }
    store::WorkDir work = m_store.make_work_dir();
    // From here on there is something to tidy up.
    const EndSignals signals;
    std::string key;
    std::unique_ptr<KeyLock> turn_of_image;
    const auto find_known = [&](const std::string& identity) {
        key = sha256_hex(fmt::format("{} {} {}", k_format_version, this->name(), identity));
        turn_of_image = lock_key(key, signals);
        return find_key(key);
    };
    const ImportedTree tree = kind->import(reference.substr(kind->prefix.size()),
                                           {m_ids, m_store, work, find_known, signals});
    signals.check();
    if (tree.image) {
        base.image = *tree.image;
    } else {
        publish_base(base.image, "import " + reference, tree, key);
        base.imported = true;
    }
    bases.set(name, base.image);
    base.warnings = tree.warnings;
    return base;
}

void LocalEngine::publish_base(const ImageId& id, const std::string& origin,
                               const ImportedTree& tree, const std::string& key) {
    Image image{.id = id, .config = tree.config};
    for (const ImportedLayer& layer : tree.layers) {
        image.layers.push_back(layer.known ? *layer.known : publish_layer(layer.directory));
    }
    image.origin = origin;
    m_store.publish_image(image);
    const auto has_names = [](const ImportedLayer& layer) { return !layer.names.empty(); };
    // A layer's name is a promise for later boots. An image needs none: one that a power cut tore is
    // no longer good, and the base is imported again, so nobody waits for the disk.
    if (std::ranges::any_of(tree.layers, has_names) && m_store.sync_now()) {
        for (size_t i = 0; i < tree.layers.size(); ++i) {
            for (const std::string& name : tree.layers[i].names) {
                m_store.unpacked().set(name, image.layers[i]);
            }
        }
    } else {
        m_store.sync_in_background();
    }
    if (!key.empty()) {
        m_store.keys().set(key, id);
    }
}

Image LocalEngine::good_image(const ImageId& id) const {
    Image image = m_store.get_image(id);
    if (image.state == ImageState::failed) {
        throw Error("image '{}' is a failed state: nothing can be based on it", id.str());
    }
    return image;
}

Base LocalEngine::base(const std::string& reference, Refresh refresh) {
    if (reference == k_host) {
        return host_base();
    }
    if (reference.starts_with("tag:")) {
        const ImageId id = *find_image(reference);
        return {.image = good_image(id).id,
                .watched = {m_store.tags().path_of(reference.substr(4))},
                .warnings = {}};
    }
    if (const auto id = ImageId::parse(reference)) {
        return {.image = good_image(*id).id, .watched = {}, .warnings = {}};
    }
    constexpr std::string_view k_registry = "docker://";
    if (reference.starts_with(k_registry)) {
        refuse_credentials(reference.substr(k_registry.size()));  // before anybody repeats it
    }
    return with_context(fmt::format("importing '{}'", reference),
                        [&] { return imported_base(reference, refresh); });
}

std::optional<ImageId> LocalEngine::find_base(const std::string& reference) {
    if (reference == k_host) {
        return find_key(host_key(host_fingerprint()));
    }
    std::optional<ImageId> id;
    if (reference.starts_with("tag:")) {
        id = m_store.tags().find(reference.substr(4));
    } else if (id = ImageId::parse(reference); !id) {
        id = m_store.bases().find(base_name(reference, m_ids.mode));
    }
    const auto image = id ? m_store.find_image(*id) : std::nullopt;
    const bool is_good = image && image->state == ImageState::good;
    return is_good ? id : std::nullopt;
}

}  // namespace mstage::engine
