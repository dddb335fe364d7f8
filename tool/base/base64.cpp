#include "base/base64.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <iterator>

#include "base/error.hpp"

namespace mstage {

namespace {

constexpr std::string_view k_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string encode_base64(std::string_view data) {
    std::string text((data.size() + 2) / 3 * 4, '\0');
    // OpenSSL's buffers are unsigned.
    ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(data.data()),
                      static_cast<int>(data.size()));
    return text;
}

std::string decode_base64(std::string_view given) {
    // Programs that print it break the lines.
    std::string text;
    std::ranges::copy_if(given, std::back_inserter(text), [](char c) {
        return std::string_view(" \t\r\n").find(c) == std::string_view::npos;
    });
    const size_t letters = text.find_last_not_of('=') + 1;
    const size_t padding = text.size() - letters;
    std::string bytes(text.size() / 4 * 3, '\0');
    const int size = ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                       reinterpret_cast<const unsigned char*>(text.data()),
                                       static_cast<int>(text.size()));
    // OpenSSL takes '=' anywhere, and leaves '-' at the end out.
    if (size < 0 || padding > 2 || text.find_first_not_of(k_alphabet) < letters) {
        constexpr size_t k_recognisable = 40;
        throw with_hint(Error("'{}' is no base64", given.substr(0, k_recognisable)),
                        "letters, digits, '+' and '/', four for three bytes, '=' at the end");
    }
    // The padding is decoded as NULs.
    bytes.resize(static_cast<size_t>(size) - padding);
    return bytes;
}

}  // namespace mstage
