#include "archive/oci/oci_types.hpp"

#include "archive/member_path.hpp"
#include "base/hash.hpp"

namespace mstage::archive {

namespace {
constexpr std::string_view k_algorithm = "sha256:";
}

Digest Digest::parse(std::string_view text) {
    if (!text.starts_with(k_algorithm) || !is_sha256_hex(text.substr(k_algorithm.size()))) {
        throw Error("'{}' is no sha256 digest", printable(text));
    }
    return Digest(std::string(text.substr(k_algorithm.size())));
}

Digest Digest::of(std::string_view content) {
    return Digest(sha256_hex(content));
}

Descriptor descriptor_from_json(const Json& json) {
    return {.media_type = json_find<std::string>(json, "mediaType").value_or(""),
            .digest = Digest::parse(json_get<std::string>(json, "digest")),
            .size = json_get<std::uint64_t>(json, "size")};
}

void verify(const Descriptor& expected, std::string_view content) {
    if (content.size() != expected.size) {
        throw Error("blob '{}' has {} bytes instead of {}", expected.digest.str(), content.size(),
                    expected.size);
    }
    if (const Digest found = Digest::of(content); found != expected.digest) {
        throw Error("blob '{}' has the digest '{}'", expected.digest.str(), found.str());
    }
}

std::string chain_id(const std::string& below, const Digest& diff_id) {
    return below.empty() ? diff_id.str()
                         : Digest::of(fmt::format("{} {}", below, diff_id.str())).str();
}

}  // namespace mstage::archive
