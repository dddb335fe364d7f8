// The first program of a sandbox whose command does not run as root, or has a terminal, or of which only the kernel knows
// whether it can be started: takes the terminal, becomes the user, then the command.
//
//     LAUNCHER OWN_FD TERMINAL UID GID GROUP[,GROUP]... PATH REASON PROGRAM [ARGUMENT]...
//
// bwrap can only map one id to another for a command, in a user namespace in which nobody else exists, and when it can't
// start a command it exits as if the command had failed. The image has no program for either that one could rely on. So
// this one comes along, open as OWN_FD and linked statically: it is not in the image, and neither may its libraries be. It
// exits as a shell does when a program cannot be started: 126, 127.
//
// With UID "" nobody is become. With a PATH it is that which is started, and REASON is what is said when the kernel does
// not know its format; else PROGRAM is looked for as execvp() does.

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/ioctl.h>
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

[[noreturn]] void fail(const char* what) {
    const int number = errno;
    std::fprintf(stderr, "mstage: error: %s: %s\n", what, std::strerror(number));
    std::exit(k_not_executable);
}

unsigned number(const char* text) {
    return static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

/// As the controlling terminal, so that Ctrl-C and job control work. It is opened here for its name: the descriptors that
/// came along are of another mount than the one that programs look it up in.
void take_terminal(const char* path) {
    ::setsid();  // fails where this process leads the session already
    const int terminal = ::open(path, O_RDWR);
    if (terminal < 0 || ::ioctl(terminal, TIOCSCTTY, 0) != 0) {
        fail("taking the terminal");
    }
    for (int fd = 0; fd <= 2; ++fd) {
        ::dup2(terminal, fd);
    }
    if (terminal > 2) {
        ::close(terminal);
    }
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

void become(const char* user, const char* group, char* groups) {
    const uid_t uid = number(user);
    const gid_t gid = number(group);
    set_groups(groups);
    if (::setresgid(gid, gid, gid) != 0) {
        fail("becoming the group");
    }
    if (::setresuid(uid, uid, uid) != 0) {
        fail("becoming the user");
    }
    if (uid != 0) {
        drop_inheritable_capabilities();
    }
}

/// Returns the exit code, with something said, when it can't.
int start(const char* path, const char* reason, char** command) {
    if (*path != '\0') {
        ::execv(path, command);
    }
    // A shell would be given any file of no known format to read, a program for another processor too.
    if (*path == '\0' || (errno == ENOEXEC && *reason == '\0')) {
        ::execvp(command[0], command);
    }
    const int number = errno;
    if (number == ENOEXEC && *reason != '\0') {
        std::fprintf(stderr,
                     "mstage: error: %s\n"
                     "  take an image for this machine, or install an emulator (package "
                     "'qemu-user-static')\n",
                     reason);
    } else {
        std::fprintf(stderr, "mstage: error: program '%s' cannot be started: %s\n", command[0],
                     std::strerror(number));
    }
    return number == ENOENT ? k_not_found : k_not_executable;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 9) {
        return k_not_executable;
    }
    ::fcntl(static_cast<int>(number(argv[1])), F_SETFD, FD_CLOEXEC);
    if (*argv[2] != '\0') {
        take_terminal(argv[2]);
    }
    if (*argv[3] != '\0') {
        become(argv[3], argv[4], argv[5]);
    }
    return start(argv[6], argv[7], argv + 8);
}
