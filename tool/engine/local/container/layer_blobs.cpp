#include "engine/local/container/layer_blobs.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <span>
#include <thread>

#include "archive/oci/layer_packer.hpp"
#include "archive/oci/oci_layout.hpp"
#include "base/fd.hpp"
#include "base/hash.hpp"
#include "base/process.hpp"
#include "sandbox/root_plan.hpp"
#include "sandbox/user_namespace.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

unsigned processors() {
    return std::max(1U, std::thread::hardware_concurrency());
}

std::string_view media_type_of(Compression compression) {
    switch (compression) {
        case Compression::gzip:
            return archive::media_type::k_oci_layer_gzip;
        case Compression::zstd:
            return archive::media_type::k_oci_layer_zstd;
        case Compression::none:
            break;
    }
    return archive::media_type::k_oci_layer;
}

/// Half the time of gzip's own default, for three percent more bytes.
constexpr int k_gzip_level = 4;
constexpr int k_zstd_level = 3;

/// A program that compresses its input to its output; nothing for none. Neither the number of
/// threads nor the time shows in what they write, except that pigz with one thread writes other
/// bytes than with more.
std::optional<Command> compressor(Compression compression, const std::optional<int>& level,
                                  unsigned threads) {
    if (compression == Compression::none) {
        return std::nullopt;
    }
    if (compression == Compression::zstd) {
        return Command{.argv = {"zstd", "-q", "-c", fmt::format("-T{}", threads),
                                fmt::format("-{}", level.value_or(k_zstd_level))},
                       .package_hint = "install the package 'zstd', or use --compression gzip"};
    }
    const std::string how = fmt::format("-{}", level.value_or(k_gzip_level));
    if (find_program("pigz")) {
        return Command{
            .argv = {"pigz", "-c", "-n", "-T", how, "-p", std::to_string(std::max(2U, threads))},
            .package_hint = ""};
    }
    return Command{.argv = {"gzip", "-c", "-n", how}, .package_hint = "install the package 'gzip'"};
}

Fd open_layer(const LayerDirectories& layer, const fs::path& mount_point) {
    if (layer.size() == 1) {
        return open_fd(layer.front(), O_RDONLY | O_DIRECTORY);
    }
    sandbox::mount_root(
        {.mount_point = mount_point,
         .overlays = {{.at = "", .lowers = {layer.rbegin(), layer.rend()}, .changes = {}}},
         .binds = {}});
    return open_fd(mount_point, O_RDONLY | O_DIRECTORY);
}

/// Packs a layer, the last one of `stack`, into `out`; runs in the user namespace, where its owners
/// exist, with mounts of its own. What is to be known of the tar comes back as JSON.
Json pack(std::span<const LayerDirectories> stack, const fs::path& mount_point,
          const archive::PackOptions& options, int out) {
    Sha256 hash;
    std::vector<Fd> lower;
    for (const LayerDirectories& layer : stack.first(stack.size() - 1)) {
        for (const fs::path& directory : layer) {
            lower.push_back(open_fd(directory, O_PATH | O_DIRECTORY));
        }
    }
    const Fd directory = open_layer(stack.back(), mount_point);
    const std::vector<std::string> skipped =
        archive::pack_layer(directory.get(), lower, options, [&](std::string_view bytes) {
            hash.update(bytes);
            write_all(out, bytes);
        });
    return {{"diff_id", hash.finish()}, {"skipped", skipped}};
}

/// One layer on its way: packer (a child) → compressor (a program) → us → blob.
class LayerJob {
public:
    LayerJob(size_t index, std::span<const LayerDirectories> stack, const fs::path& layout,
             const BlobOptions& options, unsigned threads)
        : m_index(index),
          m_media_type(media_type_of(options.compression)),
          m_report(::memfd_create("mstage-report", MFD_CLOEXEC)),
          m_blob(layout) {
        const archive::PackOptions pack_options{
            .keep_owners = options.ids.mode != sandbox::IdMode::single,
            .latest_mtime = options.latest_mtime};
        Pipe tar = make_pipe();
        m_packer = std::make_unique<sandbox::NamespaceChild>(
            options.ids, sandbox::NamespaceChild::Processes::shared, [&] {
                // Else a compressor that ended would not be noticed.
                tar.reader.close();
                write_all(m_report.get(), dump_json(pack(stack, options.mount_point, pack_options,
                                                         tar.writer.get())));
                return 0;
            });
        tar.writer.close();
        if (auto command = compressor(options.compression, options.level, threads)) {
            command->stdin_fd = tar.reader.get();
            m_compressor.emplace(std::move(*command));
        } else {
            m_tar = std::move(tar.reader);
        }
    }

    size_t index() const { return m_index; }
    int output() const { return m_compressor ? m_compressor->output() : m_tar.get(); }

    /// Takes what has come, without waiting for more; false at the end.
    bool take(std::string& buffer) {
        const ssize_t count = ::read(output(), buffer.data(), buffer.size());
        if (count < 0 && errno != EINTR) {
            throw SysError(errno, "reading the layer");
        }
        if (count > 0) {
            m_blob.write(std::string_view(buffer).substr(0, static_cast<size_t>(count)));
        }
        return count != 0;
    }

    PackedLayer finish() {
        // The compressor first: when it fails, the packer only knows that nobody reads on.
        if (m_compressor) {
            m_compressor->finish();
        }
        if (const auto end = m_packer->wait(); !end.state.ok()) {
            throw Error("a helper process ended with {}", end.state.describe());
        }
        ::lseek(m_report.get(), 0, SEEK_SET);
        const Json report = parse_json(read_all(m_report.get()), "the packer's report");
        return {.blob = m_blob.finish(m_media_type),
                .diff_id = archive::Digest::from_hex(json_get<std::string>(report, "diff_id")),
                .skipped = json_get<std::vector<std::string>>(report, "skipped")};
    }

private:
    size_t m_index;
    std::string_view m_media_type;
    Fd m_report;
    archive::BlobWriter m_blob;
    std::unique_ptr<sandbox::NamespaceChild> m_packer;
    std::optional<Program> m_compressor;
    Fd m_tar;
};

class LayerJobs {
public:
    LayerJobs(const std::vector<LayerDirectories>& layers, const fs::path& layout,
              const BlobOptions& options, const EndSignals& signals)
        : m_layers(layers),
          m_layout(layout),
          m_options(options),
          m_signals(signals),
          m_blobs(layers.size()) {}

    std::vector<PackedLayer> run() {
        while (m_next < m_layers.size() || !m_jobs.empty()) {
            while (m_next < m_layers.size() && m_jobs.size() < processors()) {
                start_next();
            }
            wait();
        }
        std::vector<PackedLayer> blobs;
        for (auto& blob : m_blobs) {
            blobs.push_back(std::move(*blob));
        }
        return blobs;
    }

private:
    void start_next() {
        const size_t together = std::min<size_t>(processors(), m_layers.size());
        const auto threads = static_cast<unsigned>(std::max<size_t>(1, processors() / together));
        m_jobs.push_back(std::make_unique<LayerJob>(m_next, std::span(m_layers).first(m_next + 1),
                                                    m_layout, m_options, threads));
        ++m_next;
    }

    void wait() {
        std::vector<pollfd> fds = {{m_signals.fd(), POLLIN, 0}};
        for (const auto& job : m_jobs) {
            fds.push_back({job->output(), POLLIN, 0});
        }
        if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) {
            throw SysError(errno, "waiting for the layers");
        }
        m_signals.check();
        size_t at = 0;
        std::erase_if(m_jobs, [&](const auto& job) {
            const bool is_ready = fds[++at].revents != 0;
            return is_ready && !advance(*job);
        });
    }

    /// False when the layer is done.
    bool advance(LayerJob& job) {
        return with_context(fmt::format("layer {} of {}", job.index() + 1, m_layers.size()), [&] {
            if (job.take(m_buffer)) {
                return true;
            }
            m_blobs[job.index()] = job.finish();
            return false;
        });
    }

    const std::vector<LayerDirectories>& m_layers;
    const fs::path& m_layout;
    const BlobOptions& m_options;
    const EndSignals& m_signals;
    std::vector<std::optional<PackedLayer>> m_blobs;
    std::vector<std::unique_ptr<LayerJob>> m_jobs;
    size_t m_next = 0;
    std::string m_buffer = std::string(256UL * 1024, '\0');
};

}  // namespace

void check_level(Compression compression, const std::optional<int>& level) {
    if (!level) {
        return;
    }
    if (compression == Compression::none) {
        throw UsageError("without compression there are no levels");
    }
    const int most = compression == Compression::gzip ? 9 : 19;
    if (*level < 1 || *level > most) {
        throw UsageError("level {} is not between 1 and {}", *level, most);
    }
}

std::vector<PackedLayer> write_layer_blobs(const std::vector<LayerDirectories>& layers,
                                           const fs::path& layout, const BlobOptions& options,
                                           const EndSignals& signals) {
    return LayerJobs(layers, layout, options, signals).run();
}

}  // namespace mstage::engine
