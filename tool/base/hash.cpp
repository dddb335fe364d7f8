// By OpenSSL's functions for SHA-256 itself, which its version 3 would rather see replaced by EVP:
// the first look-up of an algorithm there takes a millisecond, a third of what it costs to restore
// a stage.
#define OPENSSL_API_COMPAT 10101

#include "base/hash.hpp"

#include <openssl/sha.h>

#include <algorithm>

#include "base/fd.hpp"

namespace mstage {

struct Sha256::State {
    SHA256_CTX context;
};

Sha256::Sha256() : m_state(std::make_unique<State>()) {
    SHA256_Init(&m_state->context);
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view data) {
    SHA256_Update(&m_state->context, data.data(), data.size());
}

std::string Sha256::finish() {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256_Final(digest, &m_state->context);
    static constexpr std::string_view k_digits = "0123456789abcdef";
    std::string hex;
    hex.reserve(2 * sizeof digest);
    for (const unsigned char byte : digest) {
        hex += k_digits[byte >> 4];
        hex += k_digits[byte & 15];
    }
    return hex;
}

std::string sha256_hex(std::string_view data) {
    Sha256 hash;
    hash.update(data);
    return hash.finish();
}

std::string sha256_hex_of_fd(int fd) {
    Sha256 hash;
    read_in_pieces(fd, [&](std::string_view piece) { hash.update(piece); });
    return hash.finish();
}

bool is_sha256_hex(std::string_view text) {
    return text.size() == 64 && std::ranges::all_of(text, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

}  // namespace mstage
