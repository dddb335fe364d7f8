#include "base/hash.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/error.hpp"

namespace mstage {

struct Sha256::State {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : m_state(std::make_unique<State>()) {
    // Fetched once: a look-up by name in each EVP_DigestInit costs more than hashing a small file.
    // Without OpenSSL's configuration file: reading it takes longer than all our hashing in a small
    // build.
    static const EVP_MD* const k_sha256 = [] {
        OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
        return EVP_MD_fetch(nullptr, "SHA256", nullptr);
    }();
    if (m_state->context == nullptr ||
        EVP_DigestInit_ex(m_state->context, k_sha256, nullptr) != 1) {
        throw Error("starting SHA-256: OpenSSL refused");
    }
}

Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::string_view data) {
    EVP_DigestUpdate(m_state->context, data.data(), data.size());
}

std::string Sha256::finish() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_DigestFinal_ex(m_state->context, digest, &size);
    static constexpr std::string_view k_digits = "0123456789abcdef";
    std::string hex;
    hex.reserve(2 * size);
    for (unsigned int i = 0; i < size; ++i) {
        hex += k_digits[digest[i] >> 4];
        hex += k_digits[digest[i] & 15];
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
    std::vector<char> buffer(128 * 1024);
    while (true) {
        const ssize_t count = ::read(fd, buffer.data(), buffer.size());
        if (count == 0) {
            return hash.finish();
        }
        if (count < 0) {
            if (errno == EINTR) {
                continue;
            }
            throw SysError(errno, "reading");
        }
        hash.update({buffer.data(), static_cast<size_t>(count)});
    }
}

bool is_sha256_hex(std::string_view text) {
    return text.size() == 64 && std::ranges::all_of(text, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

}  // namespace mstage
