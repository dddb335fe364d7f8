#include "base/uuid.hpp"

#include <uuid/uuid.h>

namespace mstage {

namespace {
constexpr size_t k_text_size = 36;
}

Uuid Uuid::generate() {
    uuid_t bytes;
    uuid_generate_random(bytes);
    char text[k_text_size + 1];
    uuid_unparse_lower(bytes, text);
    return Uuid(text);
}

std::optional<Uuid> Uuid::parse(std::string_view text) {
    uuid_t bytes;
    if (text.size() != k_text_size || uuid_parse(std::string(text).c_str(), bytes) != 0) {
        return std::nullopt;
    }
    char canonical[k_text_size + 1];
    uuid_unparse_lower(bytes, canonical);
    return Uuid(canonical);
}

}  // namespace mstage
