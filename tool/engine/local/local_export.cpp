// Images as container images: an OCI image layout is made first, always; then it goes where it is
// wanted.

#include <algorithm>

#include "archive/oci/oci_layout.hpp"
#include "base/end_signals.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "engine/local/container/export_target.hpp"
#include "engine/local/container/layer_blobs.hpp"
#include "engine/local/container/oci_config.hpp"
#include "engine/local/local_engine.hpp"
#include "source/snapshot.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

constexpr const char* k_created_annotation = "org.opencontainers.image.created";

void check_exportable(const Image& image) {
    if (image.ground == store::Ground::host) {
        throw with_hint(Error("image '{}' is based on 'host': it has no root filesystem of its own",
                              image.id.str()),
                        "export a stage whose pipeline has a base that has one: debian:…, "
                        "rootfs:…, docker://…");
    }
    if (image.state == ImageState::failed) {
        throw with_hint(
            Error("image '{}' is a failed state: it is only to look at", image.id.str()),
            "'mstage run' and 'mstage cp' work on it");
    }
}

Json manifest_of(const archive::Descriptor& config, const std::vector<PackedLayer>& layers,
                 const std::string& created) {
    Json list = Json::array();
    for (const PackedLayer& layer : layers) {
        list.push_back(archive::to_json(layer.blob));
    }
    return {{"schemaVersion", 2},
            {"mediaType", archive::media_type::k_oci_manifest},
            {"config", archive::to_json(config)},
            {"layers", std::move(list)},
            {"annotations", {{k_created_annotation, created}}}};
}

struct Documents {
    archive::Descriptor manifest;
    archive::Descriptor config;
};

Documents add_documents(const fs::path& layout, OciConfigInput input,
                        const std::vector<PackedLayer>& layers, ExportResult& result) {
    for (const PackedLayer& layer : layers) {
        input.diff_ids.push_back(layer.diff_id.str());
        result.size += layer.blob.size;
        result.layers.push_back({.digest = layer.blob.digest.str(),
                                 .diff_id = layer.diff_id.str(),
                                 .size = layer.blob.size});
        for (const std::string& skipped : layer.skipped) {
            result.warnings.push_back("left out: " + skipped);
        }
    }
    const archive::Descriptor config =
        archive::add_document(layout, oci_config(input), archive::media_type::k_oci_config);
    archive::Descriptor manifest =
        archive::add_document(layout, manifest_of(config, layers, oci_created(input)),
                              archive::media_type::k_oci_manifest);
    result.size += config.size + manifest.size;
    return {manifest, config};
}

/// What docker refuses is better known before it is tried there.
void warn_of_depth(const ExportDestination& destination, ExportResult& result) {
    constexpr size_t k_most_for_docker = 125;
    const bool may_be_for_docker = destination.kind == DestinationKind::docker_archive ||
                                   destination.kind == DestinationKind::registry;
    if (may_be_for_docker && result.layers.size() > k_most_for_docker) {
        result.warnings.push_back(
            fmt::format("the image has {} layers, and docker takes {} at most",
                        result.layers.size(), k_most_for_docker));
    }
}

/// docker-archives are plain in the end.
Compression compression_for(const ExportRequest& request, const ExportDestination& destination) {
    const bool is_plain = destination.kind == DestinationKind::docker_archive;
    if (is_plain && request.compression.value_or(Compression::none) != Compression::none) {
        throw UsageError("a docker-archive is not compressed");
    }
    return request.compression.value_or(is_plain ? Compression::none : Compression::gzip);
}

}  // namespace

std::vector<Image> LocalEngine::lineage(const Image& image) const {
    std::vector<Image> images = {image};
    while (images.back().parent) {
        auto parent = m_store.find_image(*images.back().parent);
        if (!parent) {
            break;
        }
        images.push_back(std::move(*parent));
    }
    std::ranges::reverse(images);
    return images;
}

ExportResult LocalEngine::export_image(const Image& wanted, const ExportRequest& request) {
    const ExportDestination destination = parse_export_destination(request.destination);
    const Compression compression = compression_for(request, destination);
    check_level(compression, request.level);
    check_exportable(wanted);
    store::WorkDir work = m_store.make_work_dir();
    work.pin(wanted.id);
    const Image image = m_store.get_image(wanted.id);
    return with_context(fmt::format("exporting to '{}'", request.destination), [&] {
        const EndSignals signals;
        ExportTarget out(destination, work.path(), signals, request.stream);
        OciConfigInput input{.lineage = lineage(image), .epoch = request.epoch};
        std::vector<LayerDirectories> directories;
        for (const auto& united : source::with_snapshots_united(m_store, image.layers)) {
            LayerDirectories& layer = directories.emplace_back();
            for (const store::LayerId& id : united) {
                layer.push_back(m_store.layer_path(id));
            }
            input.layers.push_back(united.back());
        }
        const fs::path mount_point = work.path() / "united";
        make_directories(mount_point, 0700);
        const std::vector<PackedLayer> layers = write_layer_blobs(directories, out.layout(),
                                                                  {.ids = m_ids,
                                                                   .compression = compression,
                                                                   .level = request.level,
                                                                   .latest_mtime = request.epoch,
                                                                   .mount_point = mount_point},
                                                                  signals);
        ExportResult result;
        const Documents documents = add_documents(out.layout(), std::move(input), layers, result);
        warn_of_depth(destination, result);
        result.digest = out.publish(documents.manifest, documents.config);
        return result;
    });
}

}  // namespace mstage::engine
