// Container images in registries, by way of skopeo.
//
// skopeo copies whole images only, but leaves alone what its target, an OCI layout, has already, and
// tells that by a file of the blob's name. So for each layer that is not wanted an empty file of
// its size is put there. What skopeo makes of manifest and configuration for the layout is of no
// interest: it may convert them, and we have read the originals.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/process.hpp"
#include "engine/local/container/image_source.hpp"
#include "engine/local/container/registry_reference.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view k_schema_1 = "application/vnd.docker.distribution.manifest.v1+";

/// "host:5000/name:tag@sha256:…" → "host:5000/name"
std::string without_tag_and_digest(const std::string& operand) {
    std::string name = operand.substr(0, operand.find('@'));
    const size_t colon = name.rfind(':');
    const size_t slash = name.rfind('/');
    if (colon != std::string::npos && (slash == std::string::npos || colon > slash)) {
        name.resize(colon);
    }
    return name;
}

class Skopeo {
public:
    Skopeo(bool loopback, const EndSignals& signals) : m_loopback(loopback), m_signals(&signals) {}

    /// The manifest's own bytes, or those of the configuration that it names.
    std::string inspect(const std::string& reference, bool config = false) const {
        std::vector<std::string> argv = {"skopeo", "inspect", "--raw"};
        if (config) {
            argv.emplace_back("--config");
        }
        return run(std::move(argv), "--tls-verify=false", {"docker://" + reference});
    }
    void copy(const std::string& reference, const fs::path& layout) const {
        run({"skopeo", "copy", "--quiet", "--dest-oci-accept-uncompressed-layers"},
            "--src-tls-verify=false",
            {"docker://" + reference, "oci:" + layout.native() + ":image"});
    }

private:
    std::string run(std::vector<std::string> argv, const char* without_tls,
                    const std::vector<std::string>& operands) const {
        if (m_loopback) {
            argv.emplace_back(without_tls);
        }
        argv.insert(argv.end(), operands.begin(), operands.end());
        return capture_output(
            {.argv = argv, .package_hint = "install the package 'skopeo'", .signals = m_signals});
    }

    bool m_loopback;
    const EndSignals* m_signals;
};

class RegistryImageSource : public ImageSource {
public:
    RegistryImageSource(Skopeo skopeo, std::string reference, archive::ContainerImage image,
                        fs::path layout)
        : ImageSource(std::move(image)),
          m_skopeo(skopeo),
          m_reference(std::move(reference)),
          m_layout(std::move(layout)) {}

    void prepare(const std::vector<size_t>& layers) override {
        std::set<std::string> wanted;
        for (const size_t layer : layers) {
            if (const std::string& file = image().layers[layer].file; !m_fetched.contains(file)) {
                wanted.insert(file);
            }
        }
        if (wanted.empty()) {
            return;
        }
        make_directories(m_layout / "blobs/sha256");
        for (const archive::ImageLayer& layer : image().layers) {
            if (wanted.contains(layer.file)) {
                ::unlink((m_layout / layer.file).c_str());  // an empty one of the last time
            } else if (!m_fetched.contains(layer.file)) {
                put_stub(layer);
            }
        }
        m_skopeo.copy(m_reference, m_layout);
        m_fetched.merge(wanted);
    }

    archive::FileRange open(size_t layer) override {
        prepare({layer});
        Fd file = open_fd(m_layout / image().layers[layer].file, O_RDONLY);
        struct stat info {};
        ::fstat(file.get(), &info);
        return {std::move(file), 0, info.st_size};
    }

private:
    void put_stub(const archive::ImageLayer& layer) const {
        const Fd stub = open_fd(m_layout / layer.file, O_WRONLY | O_CREAT, 0600);
        if (::ftruncate(stub.get(), static_cast<off_t>(layer.blob->size)) != 0) {
            throw SysError(errno, "making '{}'", (m_layout / layer.file).native());
        }
    }

    Skopeo m_skopeo;
    std::string m_reference;
    fs::path m_layout;
    std::set<std::string> m_fetched;
};

struct Manifest {
    std::string reference;  ///< with its digest, unless the registry knows the manifest without
    Json json;
};

/// The manifest of this machine's image.
Manifest fetch_manifest(const Skopeo& skopeo, const std::string& operand) {
    const std::string name = without_tag_and_digest(operand);
    std::optional<archive::Digest> digest;
    if (const size_t at = operand.find('@'); at != std::string::npos) {
        digest = archive::Digest::parse(operand.substr(at + 1));
    }
    // An index may be in an index; deeper ones only a hostile registry has.
    for (int depth = 0; depth < 4; ++depth) {
        const std::string text = skopeo.inspect(digest ? name + "@" + digest->str() : operand);
        const auto found = archive::Digest::of(text);
        if (digest && found != *digest) {
            throw Error("manifest '{}' has the digest '{}'", digest->str(), found.str());
        }
        Json json = parse_json(text, "the image's manifest");
        if (!archive::is_index(archive::media_type_of(json))) {
            return {name + "@" + found.str(), std::move(json)};
        }
        digest = archive::choose_manifest(json, archive::Platform::of_this_machine()).digest;
    }
    throw Error("its indexes are nested too deep");
}

/// Docker's first manifests know neither sizes nor diff ids: skopeo makes them of the layers.
bool is_schema_1(const Json& manifest) {
    return archive::media_type_of(manifest).starts_with(k_schema_1) ||
           json_find<int>(manifest, "schemaVersion") == 1;
}

}  // namespace

std::unique_ptr<ImageSource> open_registry_image(const std::string& operand, const fs::path& work,
                                                 const EndSignals& signals) {
    const Skopeo skopeo(is_on_loopback(operand), signals);
    const Manifest manifest = fetch_manifest(skopeo, operand);
    const fs::path layout = work / "layout";
    if (is_schema_1(manifest.json)) {
        skopeo.copy(operand, layout);
        return open_oci_layout(layout.native());
    }
    archive::config_of(manifest.json);  // of a known type, before anything else is fetched
    auto image =
        archive::image_from_manifest(manifest.json, skopeo.inspect(manifest.reference, true));
    return std::make_unique<RegistryImageSource>(skopeo, manifest.reference, std::move(image),
                                                 layout);
}

}  // namespace mstage::engine
