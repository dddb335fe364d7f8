#include "sandbox/seccomp.hpp"

#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "base/error.hpp"

namespace mstage::sandbox {

namespace {

struct ReleaseFilter {
    void operator()(void* context) const { seccomp_release(context); }
};
using Filter = std::unique_ptr<void, ReleaseFilter>;

void check(int result, const char* what) {
    if (result < 0) {
        throw SysError(-result, "seccomp: {}", what);
    }
}

void refuse(const Filter& filter, int call, int error) {
    check(seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(static_cast<unsigned>(error)), call, 0),
          "adding a rule");
}

void refuse_uncovered_calls(const Filter& filter) {
    for (const int call :
         {SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl), SCMP_SYS(bpf),
          SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(open_by_handle_at),
          SCMP_SYS(kexec_load), SCMP_SYS(init_module), SCMP_SYS(finit_module),
          SCMP_SYS(delete_module), SCMP_SYS(acct), SCMP_SYS(quotactl), SCMP_SYS(swapon),
          SCMP_SYS(swapoff), SCMP_SYS(syslog)}) {
        refuse(filter, call, EPERM);
    }
    // Programs fall back to ordinary I/O on ENOSYS; EPERM would be an error to them.
    for (const int call :
         {SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register)}) {
        refuse(filter, call, ENOSYS);
    }
    // Only the low 32 bits count for the kernel, so only they may count here (CVE-2019-10063).
    for (const unsigned long request : {TIOCSTI, TIOCLINUX}) {
        check(seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                               SCMP_A1(SCMP_CMP_MASKED_EQ, 0xFFFFFFFFUL, request)),
              "adding the rule for terminals");
    }
}

void feign_ownership(const Filter& filter) {
    for (const int call : {SCMP_SYS(chown), SCMP_SYS(fchown), SCMP_SYS(lchown), SCMP_SYS(fchownat),
                           SCMP_SYS(setgroups), SCMP_SYS(setuid), SCMP_SYS(setgid),
                           SCMP_SYS(setreuid), SCMP_SYS(setregid), SCMP_SYS(setresuid),
                           SCMP_SYS(setresgid), SCMP_SYS(setfsuid), SCMP_SYS(setfsgid)}) {
        refuse(filter, call, 0);
    }
    // Devices cannot be made in any sandbox; a plain file or FIFO can.
    for (const mode_t type : {static_cast<mode_t>(S_IFCHR), static_cast<mode_t>(S_IFBLK)}) {
        check(seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(0), SCMP_SYS(mknod), 1,
                               SCMP_A1(SCMP_CMP_MASKED_EQ, S_IFMT, type)),
              "adding the rule for devices");
        check(seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(0), SCMP_SYS(mknodat), 1,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, S_IFMT, type)),
              "adding the rule for devices");
    }
}

}  // namespace

Fd make_seccomp_filter(IdMode mode) {
    const Filter filter(seccomp_init(SCMP_ACT_ALLOW));
    if (!filter) {
        throw Error("seccomp: no filter could be made");
    }
#if defined(__x86_64__)
    // 32-bit programs run on the same kernel: the filter has to know their numbers too.
    check(seccomp_arch_add(filter.get(), SCMP_ARCH_X86), "adding the 32-bit architecture");
    check(seccomp_arch_add(filter.get(), SCMP_ARCH_X32), "adding the x32 architecture");
#endif
    refuse_uncovered_calls(filter);
    if (mode == IdMode::single) {
        feign_ownership(filter);
    }
    Fd file(::memfd_create("mstage-seccomp", MFD_CLOEXEC));
    if (!file) {
        throw SysError(errno, "making the file of the system call filter");
    }
    check(seccomp_export_bpf(filter.get(), file.get()), "compiling the filter");
    if (::lseek(file.get(), 0, SEEK_SET) != 0) {
        throw SysError(errno, "rewinding the system call filter");
    }
    return file;
}

}  // namespace mstage::sandbox
