#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace mstage::archive {

/// Media types of the OCI image specification and of Docker's manifests of version 2, schema 2.
namespace media_type {
constexpr std::string_view k_oci_index = "application/vnd.oci.image.index.v1+json";
constexpr std::string_view k_oci_manifest = "application/vnd.oci.image.manifest.v1+json";
constexpr std::string_view k_oci_config = "application/vnd.oci.image.config.v1+json";
constexpr std::string_view k_oci_layer = "application/vnd.oci.image.layer.v1.tar";
constexpr std::string_view k_oci_layer_gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
constexpr std::string_view k_oci_layer_zstd = "application/vnd.oci.image.layer.v1.tar+zstd";
constexpr std::string_view k_docker_list =
    "application/vnd.docker.distribution.manifest.list.v2+json";
constexpr std::string_view k_docker_manifest =
    "application/vnd.docker.distribution.manifest.v2+json";
constexpr std::string_view k_docker_config = "application/vnd.docker.container.image.v1+json";
constexpr std::string_view k_docker_layer = "application/vnd.docker.image.rootfs.diff.tar";
constexpr std::string_view k_docker_layer_gzip =
    "application/vnd.docker.image.rootfs.diff.tar.gzip";
constexpr std::string_view k_docker_layer_zstd =
    "application/vnd.docker.image.rootfs.diff.tar.zstd";
}  // namespace media_type

/// "sha256:" and 64 lower-case hexadecimal digits. No other algorithm is known here.
class Digest {
public:
    /// Throws Error for anything else.
    static Digest parse(std::string_view text);
    static Digest of(std::string_view content);
    /// `hex` is what Sha256::finish() gave.
    static Digest from_hex(std::string hex) { return Digest(std::move(hex)); }

    const std::string& hex() const noexcept { return m_hex; }
    std::string str() const { return "sha256:" + m_hex; }
    auto operator<=>(const Digest&) const = default;

private:
    explicit Digest(std::string hex) : m_hex(std::move(hex)) {}
    std::string m_hex;
};

/// How OCI documents point at a blob.
struct Descriptor {
    std::string media_type;
    Digest digest;
    std::uint64_t size = 0;
};

Descriptor descriptor_from_json(const Json& json);

/// Throws Error, naming both, when `content` is not what the descriptor says.
void verify(const Descriptor& expected, std::string_view content);

/// The OCI ChainID of a stack of layers whose topmost layer has the diff id `diff_id`; `below` is
/// that of the layers below, empty for none.
std::string chain_id(const std::string& below, const Digest& diff_id);

}  // namespace mstage::archive
