// Images as container images: an OCI image layout is made first, always; then it goes where it is
// wanted.

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "archive/oci/oci_layout.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/process.hpp"
#include "engine/local/container/export_destination.hpp"
#include "engine/local/container/layer_blobs.hpp"
#include "engine/local/container/oci_config.hpp"
#include "engine/local/container/registry_reference.hpp"
#include "engine/local/local_engine.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

constexpr const char* k_created_annotation = "org.opencontainers.image.created";
/// What skopeo calls the image in a layout that only it will see.
constexpr const char* k_passing_tag = "image";

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

/// A directory that is gone with the object, unless it has been renamed.
class TemporaryDirectory {
public:
    TemporaryDirectory(const fs::path& parent, std::string_view prefix)
        : m_path(make_temporary_directory(parent, prefix)) {}
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    ~TemporaryDirectory() {
        try {
            remove_tree(m_path);
        } catch (const Error&) {
            // The error that we are here for says more.
        }
    }
    const fs::path& path() const { return m_path; }

private:
    fs::path m_path;
};

/// Where a file may be put: what a link leads to is replaced, not the link, and nothing but a file.
fs::path place_of_file(const fs::path& path) {
    if (!fs::exists(fs::symlink_status(path))) {
        return path;
    }
    if (!fs::is_regular_file(path)) {
        throw with_hint(UsageError("'{}' is there and is no regular file", path.native()),
                        "name a file; it can be read from there afterwards");
    }
    return fs::canonical(path);
}

/// A file that takes the place of `path` when it is whole.
class NewFile {
public:
    explicit NewFile(const fs::path& path)
        : m_path(place_of_file(path)), m_temporary(m_path.native() + ".tmp-XXXXXX") {
        m_file = Fd(::mkostemp(m_temporary.data(), O_CLOEXEC));
        if (!m_file) {
            throw SysError(errno, "writing '{}'", m_path.native());
        }
    }
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;
    ~NewFile() {
        if (!m_temporary.empty()) {
            ::unlink(m_temporary.c_str());
        }
    }

    void write(std::string_view bytes) {
        with_context(fmt::format("'{}'", m_path.native()), [&] { write_all(m_file.get(), bytes); });
    }
    void publish() {
        const mode_t mask = ::umask(0);
        ::umask(mask);
        ::fchmod(m_file.get(), 0666 & ~mask);
        if (::fsync(m_file.get()) != 0 || ::rename(m_temporary.c_str(), m_path.c_str()) != 0) {
            throw SysError(errno, "writing '{}'", m_path.native());
        }
        m_temporary.clear();
    }

private:
    fs::path m_path;
    std::string m_temporary;
    Fd m_file;
};

/// Runs skopeo, passing on what it prints, until it ends or a signal comes.
void run_skopeo(std::vector<std::string> words, const fs::path& directory,
                const EndSignals& signals, const archive::TarWriter::Output& output) {
    // The policy is about images that come from elsewhere; this one is ours.
    std::vector<std::string> argv = {"skopeo", "--insecure-policy", "copy", "--quiet"};
    argv.insert(argv.end(), words.begin(), words.end());
    Program skopeo({.argv = argv,
                    .package_hint = "install the package 'skopeo'; oci: and oci-archive: do not "
                                    "need it",
                    .directory = directory});
    std::string buffer(256UL * 1024, '\0');
    while (true) {
        pollfd fds[] = {{signals.fd(), POLLIN, 0}, {skopeo.output(), POLLIN, 0}};
        if (::poll(fds, 2, -1) < 0) {
            continue;
        }
        signals.check();
        const ssize_t count = ::read(skopeo.output(), buffer.data(), buffer.size());
        if (count <= 0) {
            break;
        }
        output(std::string_view(buffer).substr(0, static_cast<size_t>(count)));
    }
    skopeo.finish();
}

/// One export. The layout is made in a directory next to where it goes, so that it can be moved
/// there.
class Export {
public:
    Export(ExportDestination destination, const store::WorkDir& work, const EndSignals& signals)
        : m_destination(std::move(destination)),
          m_work(work.path()),
          m_signals(signals),
          m_adds_to_layout(m_destination.kind == DestinationKind::oci &&
                           archive::is_layout(m_destination.path)),
          m_staging(staging_parent(), ".mstage-") {
        archive::make_layout(layout());
    }

    fs::path layout() const { return m_staging.path() / "layout"; }

    /// Nothing is seen at the destination before this; all of it afterwards.
    void publish(const archive::Descriptor& manifest, ExportResult& result) {
        switch (m_destination.kind) {
            case DestinationKind::oci:
                publish_layout(manifest);
                break;
            case DestinationKind::oci_archive:
                publish_archive(manifest);
                break;
            case DestinationKind::docker_archive:
                publish_docker_archive(manifest);
                break;
            case DestinationKind::registry:
                result.digest = push(manifest);
        }
    }

private:
    fs::path staging_parent() const {
        if (m_destination.kind != DestinationKind::oci) {
            return m_work;
        }
        return m_adds_to_layout ? m_destination.path : m_destination.path.parent_path();
    }

    void publish_layout(const archive::Descriptor& manifest) {
        const fs::path& path = m_destination.path;
        if (!m_adds_to_layout) {
            archive::add_to_index(layout(), manifest, m_destination.name);
        }
        // One for all blobs; without it a power cut could leave an index of empty files.
        ::syncfs(open_fd(layout(), O_RDONLY | O_DIRECTORY).get());
        m_signals.check();
        if (m_adds_to_layout) {
            archive::move_blobs(layout(), path);
            archive::add_to_index(path, manifest, m_destination.name);
        } else if (::rename(layout().c_str(), path.c_str()) != 0) {
            throw SysError(errno, "writing '{}'", path.native());
        }
    }

    void publish_archive(const archive::Descriptor& manifest) {
        archive::add_to_index(layout(), manifest, m_destination.name);
        NewFile file(m_destination.path);
        archive::archive_layout(layout(), [&](std::string_view bytes) {
            m_signals.check();
            file.write(bytes);
        });
        file.publish();
    }

    void publish_docker_archive(const archive::Descriptor& manifest) {
        archive::add_to_index(layout(), manifest, k_passing_tag);
        NewFile file(m_destination.path);
        // By way of a pipe: a path could hold a colon, which would end it for skopeo.
        std::string to = "docker-archive:/dev/stdout";
        if (!m_destination.name.empty()) {
            to += ":" + m_destination.name;
        }
        run_skopeo({source(), to}, m_staging.path(), m_signals,
                   [&](std::string_view bytes) { file.write(bytes); });
        file.publish();
    }

    /// The digest that the image has there: a registry that knows no OCI images gets another
    /// manifest.
    std::string push(const archive::Descriptor& manifest) {
        archive::add_to_index(layout(), manifest, k_passing_tag);
        std::vector<std::string> words = {"--digestfile", "digest"};
        if (is_on_loopback(m_destination.name)) {
            words.emplace_back("--dest-tls-verify=false");
        }
        words.insert(words.end(), {source(), "docker://" + m_destination.name});
        run_skopeo(std::move(words), m_staging.path(), m_signals, [](std::string_view) {});
        return read_file(m_staging.path() / "digest");
    }

    /// Relative, as the store's path may hold a colon.
    static std::string source() { return fmt::format("oci:layout:{}", k_passing_tag); }

    ExportDestination m_destination;
    fs::path m_work;
    const EndSignals& m_signals;
    bool m_adds_to_layout;
    TemporaryDirectory m_staging;
};

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

/// Manifest and config; returns the manifest's descriptor.
archive::Descriptor add_documents(const fs::path& layout, std::vector<Image> lineage,
                                  const std::vector<PackedLayer>& layers,
                                  const ExportRequest& request, ExportResult& result) {
    OciConfigInput input{.lineage = std::move(lineage), .diff_ids = {}, .epoch = request.epoch};
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
    result.digest = manifest.digest.str();
    return manifest;
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
        Export out(destination, work, signals);
        std::vector<fs::path> directories;
        for (const store::LayerId& layer : image.layers) {
            directories.push_back(m_store.layer_path(layer));
        }
        const std::vector<PackedLayer> layers = write_layer_blobs(directories, out.layout(),
                                                                  {.ids = m_ids,
                                                                   .compression = compression,
                                                                   .level = request.level,
                                                                   .latest_mtime = request.epoch},
                                                                  signals);
        ExportResult result;
        const archive::Descriptor manifest =
            add_documents(out.layout(), lineage(image), layers, request, result);
        out.publish(manifest, result);
        return result;
    });
}

}  // namespace mstage::engine
