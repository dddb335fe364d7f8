// The first program of a sandbox whose command does not run as root: becomes the user, then the command.
//
//     LAUNCHER OWN_FD UID GID GROUP[,GROUP]... PROGRAM [ARGUMENT]...
//
// bwrap can only map one id to another for a command, in a user namespace in which nobody else exists. The image has no
// program for it that one could rely on. So this one comes along, open as OWN_FD and linked statically: it is not in the
// image, and neither may its libraries be. It exits as a shell does when a program cannot be started: 126, 127.

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int k_not_executable = 126;
constexpr int k_not_found = 127;
constexpr size_t k_max_groups = 65536;  // the kernel's own limit

[[noreturn]] void fail(const char* what, int code = k_not_executable) {
    const int number = errno;
    std::fprintf(stderr, "mstage: %s: %s\n", what, std::strerror(number));
    std::exit(code);
}

unsigned number(const char* text) {
    return static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

void set_groups(char* list) {
    static gid_t groups[k_max_groups];
    size_t count = 0;
    for (const char* word = std::strtok(list, ","); word != nullptr && count < k_max_groups;
         word = std::strtok(nullptr, ",")) {
        groups[count++] = number(word);
    }
    if (::setgroups(count, groups) != 0) {
        fail("setting the groups");
    }
}

/// Leaving user 0 takes away what is permitted and effective; what exec may hand on goes here.
void drop_inheritable_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
    if (::syscall(SYS_capset, &header, none) != 0) {
        fail("dropping capabilities");
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 6) {
        return k_not_executable;
    }
    ::fcntl(static_cast<int>(number(argv[1])), F_SETFD, FD_CLOEXEC);
    const uid_t uid = number(argv[2]);
    const gid_t gid = number(argv[3]);
    set_groups(argv[4]);
    if (::setresgid(gid, gid, gid) != 0) {
        fail("becoming the group");
    }
    if (::setresuid(uid, uid, uid) != 0) {
        fail("becoming the user");
    }
    if (uid != 0) {
        drop_inheritable_capabilities();
    }
    ::execvp(argv[5], argv + 5);
    fail(argv[5], errno == ENOENT ? k_not_found : k_not_executable);
}
