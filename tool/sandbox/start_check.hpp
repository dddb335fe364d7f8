#pragma once

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

/// Throws CannotStart when the working directory or the program of `spec`, whose root is mounted,
/// is none. What is below a directory that is mounted over later is taken to be good. A missing
/// working directory is made where `spec` says so.
void check_start(const Spec& spec);

}  // namespace mstage::sandbox
