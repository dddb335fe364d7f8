#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "archive/oci/oci_types.hpp"
#include "archive/tar_writer.hpp"
#include "base/atomic_file.hpp"
#include "base/end_signals.hpp"
#include "base/staging_directory.hpp"
#include "engine/engine.hpp"
#include "engine/local/container/export_destination.hpp"

namespace mstage::engine {

/// Where an export goes: the OCI image layout that it is made in, and how that gets to its
/// destination. Whether it can is looked at before any work is done, as far as that can be known:
/// what is there already, who may write, programs that are needed.
class ExportTarget {
public:
    /// Throws UsageError, or Error, with the remedy. `scratch` is for layouts that do not stay;
    /// `stream` gets the archives whose destination is "-".
    ExportTarget(ExportDestination destination, const std::filesystem::path& scratch,
                 const EndSignals& signals, OutputStream stream);

    std::filesystem::path layout() const { return m_staging->path() / "layout"; }

    /// Nothing is seen at the destination before this; all of it afterwards. Returns the digest that
    /// the image has there: a registry that knows no OCI images gets another manifest, and a
    /// docker-archive has none that is called by its digest, but the configuration is.
    std::string publish(const archive::Descriptor& manifest, const archive::Descriptor& config);

private:
    void prepare();
    void prepare_layout();
    void prepare_archive();
    void prepare_file();
    void write(std::string_view bytes);
    void publish_layout(const archive::Descriptor& manifest);
    void publish_oci_archive(const archive::Descriptor& manifest);
    void publish_docker_archive(const archive::Descriptor& manifest);
    std::string push(const archive::Descriptor& manifest);

    ExportDestination m_destination;
    std::filesystem::path m_scratch;
    const EndSignals& m_signals;
    OutputStream m_stream;
    bool m_is_there = false;  ///< the directory that a layout goes to
    std::optional<StagingDirectory> m_beside_file;
    std::optional<AtomicFile> m_file;
    std::optional<StagingDirectory> m_staging;
};

}  // namespace mstage::engine
