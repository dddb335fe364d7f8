#include "agent/base64.hpp"

#include <openssl/evp.h>

#include "base/error.hpp"

namespace mstage::agent {

std::string decode_base64(std::string_view text) {
    std::string bytes(text.size() / 4 * 3 + 3, '\0');
    // OpenSSL's buffers are unsigned.
    const int size = ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                       reinterpret_cast<const unsigned char*>(text.data()),
                                       static_cast<int>(text.size()));
    if (size < 0) {
        constexpr size_t k_recognisable = 40;
        throw with_hint(Error("'{}' is no base64", text.substr(0, k_recognisable)),
                        "letters, digits, '+' and '/', four for three bytes, '=' at the end");
    }
    // The padding is decoded as NULs.
    size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') {
        ++padding;
    }
    bytes.resize(static_cast<size_t>(size) - std::min(padding, static_cast<size_t>(size)));
    return bytes;
}

}  // namespace mstage::agent
