#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace mstage::engine {

enum class DestinationKind { oci, oci_archive, docker_archive, registry };

/// Where a container image goes.
struct ExportDestination {
    DestinationKind kind;
    /// A directory or file, absolute; empty for a registry and a stream.
    std::filesystem::path path{};
    /// An archive whose path is "-".
    bool is_stream = false;
    /// The tag in a layout ("latest" when none was given), NAME:TAG in a docker-archive (may be
    /// empty), HOST/NAME[:TAG] of a registry.
    std::string name{};
};

/// As skopeo has them: a path ends at its first colon. Throws UsageError, also for credentials in a
/// registry's reference (refuse_credentials()).
ExportDestination parse_export_destination(const std::string& text);

/// Throws UsageError when the directory that the path is in is not there, and when a colon has most
/// likely cut a path in two.
void check_place(const ExportDestination& destination);

}  // namespace mstage::engine
