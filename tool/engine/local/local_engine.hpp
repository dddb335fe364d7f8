#pragma once

#include "engine/engine.hpp"
#include "sandbox/id_map.hpp"
#include "store/store.hpp"

namespace mstage::engine {

class ImageTree;
struct ImportedTree;
struct RootLayout;

/// Runs in sandboxes on this machine, images in a store. No daemon, no root.
class LocalEngine : public Engine {
public:
    explicit LocalEngine(const std::filesystem::path& store_root,
                         store::IfMissing if_missing = store::IfMissing::made);

    /// With a single id, owners are feigned.
    std::string name() const override {
        return m_ids.mode == sandbox::IdMode::single ? "local-single-id" : "local";
    }

    SourceReport scan(const SourceRequest& request) override;
    std::vector<InputsLook> look(const SourceRequest& request,
                                 const std::filesystem::path& scratch) override;
    std::optional<std::vector<InputFile>> input_list(const std::string& digest) override;
    Base base(const std::string& reference, Refresh refresh) override;
    std::optional<ImageId> find_base(const std::string& reference) override;
    RunResult run(const RunRequest& request) override;
    std::filesystem::path run_directory(const RunId& run) override { return m_store.run_dir(run); }
    std::optional<RunRecord> find_run(const RunId& id) override;

    std::unique_ptr<KeyLock> lock_key(const std::string& key,
                                      const std::function<void()>& on_wait) override;
    std::optional<ImageId> find_key(const std::string& key) override;
    void set_key(const std::string& key, const ImageId& image) override;

    std::optional<ImageId> find_image(const std::string& text) override;
    Image image(const ImageId& id) override;
    std::optional<Image> find(const ImageId& id) override;
    std::vector<Image> images() override;
    Removal remove_failed_state(const ImageId& id) override;
    std::uint64_t size_of(const Image& image) override;
    std::filesystem::path witness(const ImageId& id) override;

    std::vector<std::pair<std::string, ImageId>> tags() override;
    void set_tag(const std::string& name, const ImageId& image) override;
    bool remove_tag(const std::string& name) override;

    std::vector<CacheReport> caches() override;
    bool remove_cache(const std::string& id) override;

    std::vector<FileInfo> list(const Image& image, const std::string& path,
                               bool recursive) override;
    void write_file_to(const Image& image, const std::string& path, int fd) override;
    std::vector<std::filesystem::path> copy_out(const Image& image,
                                                const std::vector<std::string>& patterns,
                                                const std::filesystem::path& destination,
                                                NoMatch no_match,
                                                const CopyGuard& guard = {}) override;
    std::vector<FileChange> diff(const Image& before, const Image& after,
                                 const DiffRequest& request) override;
    ExportResult export_image(const Image& image, const ExportRequest& request) override;

private:
    /// The layers of the stage's source files, made again from `request.source_root` should the
    /// store lack them.
    std::vector<store::LayerId> source_layers(const RunRequest& request);
    /// The layers of an image but those of source files that the request's take the place of.
    std::vector<store::LayerId> without_replaced(std::vector<store::LayerId> layers,
                                                 const RunRequest& request) const;
    std::vector<store::CacheLease> take_caches(const RunRequest& request, PhaseTimer& timer) const;
    /// A layer with what `request.copies` and `request.files` add to an image of these layers;
    /// nothing when that is nothing.
    std::optional<store::LayerId> copied_layer(const RunRequest& request, store::Ground ground,
                                               const std::vector<store::LayerId>& layers);
    /// Waits as lock_key() does, and until one of the signals comes (Interrupted).
    std::unique_ptr<KeyLock> lock_key(const std::string& key, const EndSignals& signals);
    Base host_base();
    Image good_image(const ImageId& id) const;
    Base imported_base(const std::string& reference, Refresh refresh);
    /// `key` may be empty.
    void publish_base(const ImageId& id, const std::string& origin, const ImportedTree& tree,
                      const std::string& key);
    void finish_good_run(const RunRequest& request, Image result, const RootLayout& layout,
                         RunResult& out);
    void finish_failed_run(Image failed, const RootLayout& layout, RunResult& out);
    /// The image and those that it was made from, the first one first, as far as they are there.
    std::vector<Image> lineage(const Image& image) const;
    std::uint64_t layer_size(const store::LayerId& layer);
    store::LayerId publish_layer(const std::filesystem::path& directory);
    /// Runs `body` on the mounted image in a child; what it returns as text comes back.
    std::string with_tree(const Image& image,
                          const std::function<std::string(const ImageTree&)>& body);

    sandbox::IdMap m_ids;
    store::Store m_store;
};

}  // namespace mstage::engine
