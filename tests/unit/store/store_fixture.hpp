#pragma once

#include <sys/stat.h>

#include "store/boot.hpp"
#include "store/store.hpp"
#include "support.hpp"

namespace mstage::store {

/// A store in a temporary directory.
class StoreTest : public ::testing::Test {
protected:
    static Store open_store(const std::filesystem::path& root) {
        return {root, [](const std::filesystem::path& path) { remove_tree(path); }};
    }

    LayerId publish_layer(const std::string& content = "content") const {
        const WorkDir work = m_store.make_work_dir();
        std::filesystem::create_directory(work.path() / "tree");
        write_file_atomically(work.path() / "tree/file", content);
        return m_store.publish_layer(work.path() / "tree");
    }
    Image publish_image(const std::vector<LayerId>& layers = {}) const {
        Image image{.id = ImageId::generate(), .layers = layers};
        image.origin = "import test";
        m_store.publish_image(image);
        return image;
    }
    /// Puts a manifest there as another boot, or another version, may have left it.
    void rewrite_manifest(const ImageId& id, const std::function<void(Json&)>& change) const {
        Json json = parse_json(read_file(m_store.manifest_path(id)), "manifest");
        change(json);
        write_file_atomically(m_store.manifest_path(id), dump_json_indented(json));
    }
    bool has_manifest(const ImageId& id) const {
        return std::filesystem::exists(m_store.manifest_path(id));
    }

    test::TempDir m_dir;
    Store m_store = open_store(m_dir / "store");
};

}  // namespace mstage::store
