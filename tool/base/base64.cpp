#include "base/base64.hpp"

#include <openssl/evp.h>

#include "base/error.hpp"

namespace mstage {

std::string encode_base64(std::string_view data) {
    std::string text((data.size() + 2) / 3 * 4, '\0');
    // OpenSSL's buffers are unsigned.
    ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(data.data()),
                      static_cast<int>(data.size()));
    return text;
}

std::string decode_base64(std::string_view text) {
    std::string bytes(text.size() / 4 * 3 + 3, '\0');
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

}  // namespace mstage
