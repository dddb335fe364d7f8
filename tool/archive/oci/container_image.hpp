#pragma once

#include <optional>
#include <string>
#include <vector>

#include "archive/oci/image_files.hpp"
#include "archive/oci/oci_types.hpp"

namespace mstage::archive {

/// What a container image says of one of its layers.
struct ImageLayer {
    /// Of the layer's tar.
    Digest diff_id;
    /// Of the blob that the tar comes in; none in archives of `docker save`.
    std::optional<Descriptor> blob;
    /// Where the layer is in the image's files.
    std::string file;
};

/// A container image without its layers' content. Everything is as its digest says.
struct ContainerImage {
    /// Names all that makes the image: its layers, by their diff ids, and its configuration.
    Digest config_digest;
    /// The config file.
    Json config;
    /// The lowest first.
    std::vector<ImageLayer> layers;
};

/// For what machine an image is, in the words of GOARCH and GOARM.
struct Platform {
    std::string architecture;
    std::string variant;  ///< "v7"; mostly empty

    static Platform of_this_machine();
};

/// The image of `platform` in an index (or Docker's manifest list); an Error names those that there
/// are.
Descriptor choose_manifest(const Json& index, const Platform& platform);

bool is_index(std::string_view media_type);
/// Nothing in manifests of the first years says what they are.
std::string media_type_of(const Json& manifest);

/// The configuration file that a manifest names. Throws Error for a manifest of an unknown type.
Descriptor config_of(const Json& manifest);
/// `config` is the file's content, verified here.
ContainerImage image_from_manifest(const Json& manifest, std::string_view config);

/// Reads the image with the tag `tag` (none: the only one there is) from an OCI image layout or an
/// archive of `docker save`. All throw Error: for what is none, damaged, or of an unknown type, and
/// for a tag that is not there or has to be given, naming the tags that there are.
ContainerImage read_oci_layout(const ImageFiles& files, const std::optional<std::string>& tag,
                               const Platform& platform);
ContainerImage read_docker_archive(const ImageFiles& files, const std::optional<std::string>& tag);

}  // namespace mstage::archive
