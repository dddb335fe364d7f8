#include "engine/local/container/registry_reference.hpp"

#include <algorithm>
#include <cctype>
#include <regex>
#include <string>

#include "base/error.hpp"

namespace mstage::engine {

void refuse_credentials(std::string_view reference) {
    // A digest stands behind the last slash and has no '@' in it.
    const size_t at = reference.find('@');
    const bool is_digest = at != std::string_view::npos &&
                           reference.find_first_of("/@", at + 1) == std::string_view::npos &&
                           reference.substr(at + 1).starts_with("sha");
    if (at != std::string_view::npos && !is_digest) {
        throw with_hint(
            UsageError("a 'docker://' reference with a user's name or password in it is refused: "
                       "it would end up in plans and logs"),
            "log in with 'skopeo login HOST', or name a file with credentials in "
            "REGISTRY_AUTH_FILE");
    }
}

namespace {

/// Whether what stands before the first slash is a host; else it is a part of the name, and the host
/// is docker.io.
bool is_host(std::string_view part) {
    return part.find_first_of(".:[") != std::string_view::npos || part == "localhost" ||
           std::ranges::any_of(part, [](unsigned char c) { return std::isupper(c) != 0; });
}

void check_host(const std::string& host) {
    static const std::regex k_host(
        "([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
        "|\\[[0-9a-fA-F:]+\\])(:[0-9]+)?");
    if (!std::regex_match(host, k_host)) {
        throw UsageError("'{}' is no name of a host", host);
    }
}

void check_name(const std::string& name) {
    static const std::regex k_name(
        "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"
        "(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*");
    constexpr size_t k_longest = 255;
    if (name.size() > k_longest || !std::regex_match(name, k_name)) {
        throw with_hint(
            UsageError("'{}' is no name of an image", name),
            "it has lower case letters, digits, and between them '.', '_', '-' and '/', at most "
            "255 in all");
    }
}

}  // namespace

void check_new_reference(std::string_view reference) {
    if (reference.find('@') != std::string_view::npos) {
        throw with_hint(UsageError("an image gets a tag, not a digest"), "write NAME:TAG");
    }
    const size_t slash = reference.rfind('/');
    const size_t colon = reference.find(':', slash == std::string_view::npos ? 0 : slash);
    const size_t first_slash = reference.find('/');
    size_t start = 0;
    if (first_slash != std::string_view::npos && is_host(reference.substr(0, first_slash))) {
        check_host(std::string(reference.substr(0, first_slash)));
        start = first_slash + 1;
    }
    check_name(std::string(reference.substr(start, colon - start)));
    static const std::regex k_tag("[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}");
    if (colon != std::string_view::npos &&
        !std::regex_match(std::string(reference.substr(colon + 1)), k_tag)) {
        throw with_hint(UsageError("'{}' is no tag", reference.substr(colon + 1)),
                        "it has letters, digits, '_', '.' and '-', at most 128 of them");
    }
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
