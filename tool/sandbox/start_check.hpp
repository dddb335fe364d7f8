#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "sandbox/sandbox.hpp"

namespace mstage::sandbox {

/// Image and command do not go together: there is no way to start it. As shells have it, the code
/// is 127 when there is no such program, else 126.
class CannotStart : public Error {
public:
    CannotStart(int code, const Error& why) : Error(why), m_code(code) {}
    int code() const noexcept { return m_code; }

private:
    int m_code;
};

constexpr int k_not_executable = 126;
constexpr int k_not_found = 127;

/// What only the kernel knows is whether it starts the program: that is to be tried, and not by
/// bwrap, which has code 1 for everything.
struct StartInDoubt {
    std::string program;  ///< its path, by which to start it; empty: by its name, as ever
    std::string reason;   ///< what to say should it be of no known format
};

/// Throws CannotStart when the working directory or the program of `spec` is none, in the root that
/// is mounted, with all that is mounted in it but /proc: what is below that is in doubt. A missing
/// working directory is made where `spec` says so.
std::optional<StartInDoubt> check_start(const Spec& spec);

}  // namespace mstage::sandbox
