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
    if (path == "/dev/stdout") {
        throw with_hint(UsageError("it is no file to take the place of"),
                        "for standard output write '-': oci-archive:-, docker-archive:-");
    }
    if (colon != std::string_view::npos && name.empty()) {
        throw UsageError("there is nothing behind the colon");
    }
    if (path == "-") {
        if (kind == DestinationKind::oci) {
            throw with_hint(UsageError("a layout is a directory and cannot be streamed"),
                            "for standard output: oci-archive:-");
        }
        return {.kind = kind, .is_stream = true, .name = std::string(name)};
    }
    fs::path absolute = fs::absolute(path).lexically_normal();
    // "DIR/" is the directory.
    if (!absolute.has_filename()) {
        absolute = absolute.parent_path();
    }
    return {.kind = kind, .path = std::move(absolute), .name = std::string(name)};
}

constexpr const char* k_colon_hint =
    "a path ends at its first colon, what follows is the tag: to write to a path with a colon in "
    "it, "
    "go to its directory and name the file";

/// A colon that has most likely cut a path in two.
void check_cut(const ExportDestination& destination) {
    const fs::path& path = destination.path;
    const fs::path whole = path.native() + ":" + destination.name;
    const bool was_cut = destination.name.ends_with(".tar") ||
                         (!fs::exists(path) && fs::exists(fs::symlink_status(whole)));
    if (was_cut) {
        throw with_hint(
            UsageError("'{}' would be the path and '{}' the tag", path.native(), destination.name),
            k_colon_hint);
    }
}

ExportDestination in_registry(std::string_view reference) {
    const size_t slash = reference.find('/');
    if (reference.empty() || slash == 0 || slash == reference.size() - 1) {
        throw UsageError("the reference names no image");
    }
    check_new_reference(reference);
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
            ExportDestination destination =
                with_path(DestinationKind::docker_archive, *operand, "");
            if (!destination.name.empty()) {
                check_cut(destination);
                check_new_reference(destination.name);
            }
            return destination;
        }
        if (const auto reference = behind(text, "docker://")) {
            return in_registry(*reference);
        }
        throw with_hint(UsageError("it is of no known kind"), std::string(k_forms));
    });
}

void check_place(const ExportDestination& destination) {
    const fs::path& path = destination.path;
    check_cut(destination);
    if (!fs::is_directory(path.parent_path())) {
        throw with_hint(UsageError("directory '{}' is not there", path.parent_path().native()),
                        destination.name == "latest" || destination.name.empty() ? "make it first"
                                                                                 : k_colon_hint);
    }
}

}  // namespace mstage::engine
