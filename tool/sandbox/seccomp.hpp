#pragma once

#include "base/fd.hpp"
#include "sandbox/id_map.hpp"

namespace mstage::sandbox {

/// A file with the compiled system call filter of a sandbox, at its start, as bwrap's --seccomp
/// wants it.
///
/// Refused are calls that namespaces do not cover (the kernel keyring, BPF, performance events,
/// opening files by handle, …) and typing into a terminal. Where only one id is mapped, calls that
/// change owners and ids to others look as if they succeeded: package managers make them, and
/// nobody could tell the difference in such a sandbox.
Fd make_seccomp_filter(IdMode mode);

}  // namespace mstage::sandbox
