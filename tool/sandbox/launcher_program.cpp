// Holds the launcher: whoever has the helper has it too, and nothing has to be found at run time.

#include "sandbox/launcher.hpp"

asm(R"(
    .pushsection .rodata
    .balign 16
    mstage_launcher_begin:
    # )" MSTAGE_LAUNCHER_DIGEST R"(
    .incbin ")" MSTAGE_LAUNCHER R"("
    mstage_launcher_end:
    .popsection
)");

extern "C" {
extern const char mstage_launcher_begin[] __attribute__((visibility("hidden")));
extern const char mstage_launcher_end[] __attribute__((visibility("hidden")));
}

namespace mstage::sandbox {

std::string_view launcher_program() {
    return {mstage_launcher_begin,
            static_cast<size_t>(mstage_launcher_end - mstage_launcher_begin)};
}

}  // namespace mstage::sandbox
