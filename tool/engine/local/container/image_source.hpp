#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "archive/oci/container_image.hpp"
#include "base/end_signals.hpp"

namespace mstage::engine {

/// A container image somewhere, with its layers within reach.
class ImageSource {
public:
    virtual ~ImageSource() = default;

    const archive::ContainerImage& image() const { return m_image; }

    /// What is said here to be wanted comes in one go.
    virtual void prepare(const std::vector<size_t>& layers) = 0;
    virtual archive::FileRange open(size_t layer) = 0;
    /// Of a layer that is not wanted: throws Error when it is within reach and not of the size that
    /// the manifest says.
    virtual void check_size(size_t /*layer*/) {}

protected:
    explicit ImageSource(archive::ContainerImage image) : m_image(std::move(image)) {}

private:
    archive::ContainerImage m_image;
};

/// `operand` is the path, with or without a tag behind a colon. Each may use `work`, an existing
/// directory, for files of its own. All throw Error or UsageError.
std::unique_ptr<ImageSource> open_oci_layout(const std::string& operand);
std::unique_ptr<ImageSource> open_oci_archive(const std::string& operand,
                                              const std::filesystem::path& work);
std::unique_ptr<ImageSource> open_docker_archive(const std::string& operand,
                                                 const std::filesystem::path& work);

/// An image in a registry, by way of skopeo, which finds the user's own configuration, credentials
/// and certificates. Registries on loopback need no TLS. Layers come when they are wanted. One of
/// `signals`, which have to outlive the source, ends what is being fetched.
std::unique_ptr<ImageSource> open_registry_image(const std::string& operand,
                                                 const std::filesystem::path& work,
                                                 const EndSignals& signals);

}  // namespace mstage::engine
