#include "engine/local/container/registry_reference.hpp"

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

void check_push_reference(std::string_view reference) {
    if (reference.find('@') != std::string_view::npos) {
        throw with_hint(UsageError("an image is pushed under a tag, not a digest"),
                        "write HOST/NAME:TAG");
    }
    const size_t slash = reference.rfind('/');
    const size_t colon = reference.find(':', slash == std::string_view::npos ? 0 : slash);
    // Up to the first slash it may be the host, which has other rules; skopeo knows them.
    const size_t host_end = reference.find('/');
    const size_t start = host_end == std::string_view::npos ? 0 : host_end + 1;
    const std::string name(reference.substr(start, colon - start));
    static const std::regex k_name(
        "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"
        "(/[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*)*");
    if (!std::regex_match(name, k_name)) {
        throw with_hint(
            UsageError("'{}' is no name of an image", name),
            "it has lower case letters, digits, and between them '.', '_', '-' and '/'");
    }
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
