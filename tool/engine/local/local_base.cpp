// Base images: what a pipeline starts from.

#include "base/error.hpp"
#include "base/hash.hpp"
#include "engine/local/base_images.hpp"
#include "engine/local/host_ground.hpp"
#include "engine/local/local_engine.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view k_host = "host";

std::string known_forms() {
    std::string forms = "host, tag:NAME, an image's UUID";
    for (const BaseKind& kind : base_kinds()) {
        forms += fmt::format(", {}", kind.example);
    }
    return forms;
}

}  // namespace

Base LocalEngine::host_base() {
    const std::string fingerprint = host_fingerprint();
    const std::string key = sha256_hex(fmt::format("{} host {}", k_format_version, fingerprint));
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
    // Without ids there are no owners, which make another image.
    const bool single = m_ids.mode == sandbox::IdMode::single;
    const std::string name = single ? reference + " with a single id" : reference;
    Base base{.image = ImageId::generate(), .watched = {bases.path_of(name)}, .warnings = {}};
    const auto known = bases.find(name);
    if (known && refresh == Refresh::no && m_store.find_image(*known)) {
        base.image = *known;
        return base;
    }
    store::WorkDir work = m_store.make_work_dir();
    const fs::path directory = work.path() / "tree";
    fs::create_directory(directory);
    fs::permissions(directory, fs::perms(0755));
    const ImportedTree tree =
        kind->import(reference.substr(kind->prefix.size()), {m_ids, directory});

    Image image{.id = base.image, .ground = tree.ground, .config = tree.config};
    image.layers = {publish_layer(directory)};
    image.origin = "import " + reference;
    m_store.publish_image(image);
    bases.set(name, image.id);
    // Nobody waits for the disk: after a power cut before it is done, name and image are no longer
    // good and the base is imported again.
    m_store.sync_in_background();
    base.imported = true;
    base.warnings = tree.warnings;
    return base;
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
    return with_context(fmt::format("importing '{}'", reference),
                        [&] { return imported_base(reference, refresh); });
}

}  // namespace mstage::engine
