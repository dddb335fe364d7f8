#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace mstage::engine {

enum class DestinationKind { oci, oci_archive, docker_archive, registry };

/// Where a container image goes.
struct ExportDestination {
    DestinationKind kind;
    /// A directory or file, absolute; empty for a registry.
    std::filesystem::path path{};
    /// The tag in a layout ("latest" when none was given), NAME:TAG in a docker-archive (may be
    /// empty), HOST/NAME[:TAG] of a registry.
    std::string name{};
};

/// As skopeo has them: a path ends at its first colon. Throws UsageError, also for credentials in a
/// registry's reference (refuse_credentials()).
ExportDestination parse_export_destination(const std::string& text);

}  // namespace mstage::engine
