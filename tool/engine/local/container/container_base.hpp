#pragma once

#include <string>

#include "engine/local/base_images.hpp"

namespace mstage::engine {

/// Importers of container images. Each layer of an image becomes a layer of the store, unless the
/// store has it; the image is known by the digest of its configuration file, so that the same image
/// under another reference, or fetched again, is the same image here.
ImportedTree import_from_registry(const std::string& operand, const ImportContext& context);
ImportedTree import_oci_layout(const std::string& operand, const ImportContext& context);
ImportedTree import_oci_archive(const std::string& operand, const ImportContext& context);
ImportedTree import_docker_archive(const std::string& operand, const ImportContext& context);

/// Environment, working directory and user from a configuration file of a container image, and the
/// rest as it is, but for what tells of the layers or of the container that the image was made in.
store::ImageConfig image_config_of(const Json& config);

}  // namespace mstage::engine
