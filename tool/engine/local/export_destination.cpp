#include "engine/local/export_destination.hpp"

#include <optional>

#include "base/error.hpp"

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
    if (reference.substr(0, slash).find('@') != std::string_view::npos) {
        throw with_hint(UsageError("user and password do not belong into a reference"),
                        "log in with 'skopeo login HOST', or set REGISTRY_AUTH_FILE");
    }
    if (reference.empty() || slash == 0 || slash == reference.size() - 1) {
        throw UsageError("the reference names no image");
    }
    return {.kind = DestinationKind::registry, .path = {}, .name = std::string(reference)};
}

/// What is behind the prefix; nothing when it is not there.
std::optional<std::string_view> behind(std::string_view text, std::string_view prefix) {
    return text.starts_with(prefix) ? std::optional(text.substr(prefix.size())) : std::nullopt;
}

/// Without the password that may be in it.
std::string shown(const std::string& text) {
    constexpr std::string_view k_registry = "docker://";
    const size_t at = text.find('@');
    if (!text.starts_with(k_registry) || at == std::string::npos ||
        at > text.find('/', k_registry.size())) {
        return text;
    }
    return std::string(k_registry) + "…" + text.substr(at);
}

}  // namespace

ExportDestination parse_export_destination(const std::string& text) {
    return with_context(fmt::format("destination '{}'", shown(text)), [&] {
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

bool is_on_loopback(std::string_view reference) {
    const std::string_view host = reference.substr(0, reference.find('/'));
    const std::string_view name =
        host.starts_with('[') ? host.substr(0, host.find(']') + 1) : host.substr(0, host.find(':'));
    // Numbers only: 127.example.org is anywhere.
    return name == "localhost" || name == "[::1]" ||
           (name.starts_with("127.") &&
            name.find_first_not_of("0123456789.") == std::string_view::npos);
}

}  // namespace mstage::engine
