#include "archive/oci/unpack_layer.hpp"

#include "archive/oci/blob_stream.hpp"
#include "archive/oci/layer_sink.hpp"
#include "archive/tar_reader.hpp"
#include "base/error.hpp"

namespace mstage::archive {

namespace {

/// A tar with an end mark behind it. Some tools (umoci, when it inserts files) leave that out, and
/// what pads the last entry to whole blocks; that all is there is for the digests to tell.
class ClosedTar : public BlockStream {
public:
    explicit ClosedTar(BlockStream& tar) : m_tar(tar) {}

    std::string_view next_block() override {
        const std::string_view block = m_tar.next_block();
        if (!block.empty() || !m_end.empty()) {
            m_size += block.size();
            return block;
        }
        m_end.assign((k_block - m_size % k_block) % k_block + 2 * k_block, '\0');
        return m_end;
    }

private:
    static constexpr size_t k_block = 512;

    BlockStream& m_tar;
    size_t m_size = 0;
    std::string m_end;
};

void check_digest(const Digest& expected, const std::string& found, const char* what) {
    if (found != expected.hex()) {
        throw Error("{} '{}' has the digest 'sha256:{}': it is damaged", what, expected.str(),
                    found);
    }
}

}  // namespace

void check_size(const FileRange& content, const Descriptor& expected) {
    const auto size = static_cast<std::uint64_t>(content.size);
    if (expected.size != size) {
        throw Error("blob '{}' has {} bytes instead of {}: it is damaged", expected.digest.str(),
                    size, expected.size);
    }
}

Imported unpack_layer(const LayerBlob& blob, int dir_fd, LowerTree& lower, const Options& options) {
    if (blob.expected) {
        check_size(blob.content, *blob.expected);
    }
    Imported result;
    BlobStream::Digests found;
    try {
        BlobStream stream(blob.content);
        LayerSink sink(dir_fd, lower, options, result);
        ClosedTar tar(stream);
        read_tar(tar, sink, result);
        found = stream.digests();
    } catch (const Error&) {
        // What makes no sense mostly is not what was packed.
        if (blob.expected) {
            check_digest(blob.expected->digest, sha256_hex_of(blob.content), "blob");
        }
        throw;
    }
    if (blob.expected) {
        check_digest(blob.expected->digest, found.raw, "blob");
    }
    check_digest(blob.diff_id, found.content, "layer");
    return result;
}

}  // namespace mstage::archive
