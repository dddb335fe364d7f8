#include "engine/local/container/export_destination.hpp"

#include <optional>

#include "base/error.hpp"
#include "engine/local/container/registry_reference.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view k_forms =
    "known are: oci-archive:FILE[:TAG], oci:DIR[:TAG], docker-archive:FILE[:NAME:TAG], "
    "docker://HOST/NAME[:TAG]";

/// "PATH[:NAME]".
ExportDestination with_path(DestinationKind kind, std::string_view operand,
                            std::string_view default_name) {
    const size_t colon = operand.find(':');
    const std::string_view path = operand.substr(0, colon);
    const std::string_view name =
        colon == std::string_view::npos ? default_name : operand.substr(colon + 1);
    if (path.empty()) {
        throw UsageError("the path is missing");
    }
    if (colon != std::string_view::npos && name.empty()) {
        throw UsageError("there is nothing behind the colon");
    }
    fs::path absolute = fs::absolute(path).lexically_normal();
    // "DIR/" is the directory.
    if (!absolute.has_filename()) {
        absolute = absolute.parent_path();
    }
    return {.kind = kind, .path = std::move(absolute), .name = std::string(name)};
}

ExportDestination in_registry(std::string_view reference) {
    const size_t slash = reference.find('/');
    if (reference.empty() || slash == 0 || slash == reference.size() - 1) {
        throw UsageError("the reference names no image");
    }
    return {.kind = DestinationKind::registry, .path = {}, .name = std::string(reference)};
}

/// What is behind the prefix; nothing when it is not there.
std::optional<std::string_view> behind(std::string_view text, std::string_view prefix) {
    return text.starts_with(prefix) ? std::optional(text.substr(prefix.size())) : std::nullopt;
}

}  // namespace

ExportDestination parse_export_destination(const std::string& text) {
    if (const auto reference = behind(text, "docker://")) {
        refuse_credentials(*reference);  // before anybody repeats it
    }
    return with_context(fmt::format("destination '{}'", text), [&] {
        if (const auto operand = behind(text, "oci:")) {
            return with_path(DestinationKind::oci, *operand, "latest");
        }
        if (const auto operand = behind(text, "oci-archive:")) {
            return with_path(DestinationKind::oci_archive, *operand, "latest");
        }
        if (const auto operand = behind(text, "docker-archive:")) {
            return with_path(DestinationKind::docker_archive, *operand, "");
        }
        if (const auto reference = behind(text, "docker://")) {
            return in_registry(*reference);
        }
        throw with_hint(UsageError("it is of no known kind"), std::string(k_forms));
    });
}

}  // namespace mstage::engine
