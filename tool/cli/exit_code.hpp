#pragma once

namespace mstage::cli {

/// `mstage run` passes the command's own code on besides, 128 + n for signal n.
enum ExitCode {
    k_good = 0,
    k_failed = 1,
    k_wrong_usage = 2,
    k_timed_out = 124,  ///< of `mstage run`, as timeout(1) does
    k_signal_base = 128,
};

/// Printed by `mstage run --test` on a machine that can have no sandbox; CTest takes it for a skip.
inline constexpr const char* k_skip_prefix = "mstage: skip: ";

}  // namespace mstage::cli
