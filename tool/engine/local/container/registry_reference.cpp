#include "engine/local/container/registry_reference.hpp"

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
