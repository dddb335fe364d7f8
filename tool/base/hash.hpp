#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace mstage {

/// SHA-256, fed in pieces. finish() gives 64 lower-case hexadecimal digits and may be called once.
class Sha256 {
public:
    Sha256();
    ~Sha256();
    Sha256(Sha256&&) noexcept;
    Sha256& operator=(Sha256&&) noexcept;

    void update(std::string_view data);
    std::string finish();

private:
    struct State;
    std::unique_ptr<State> m_state;
};

std::string sha256_hex(std::string_view data);
/// Of everything from the descriptor's position to the end of the file.
std::string sha256_hex_of_fd(int fd);

/// Exactly 64 lower-case hexadecimal digits; checked before a digest becomes part of a path.
bool is_sha256_hex(std::string_view text);

}  // namespace mstage
