#include "sandbox/submounts.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace mstage::sandbox {

namespace {

/// "\040" for a space, as mountinfo writes it.
std::string unescape_octal(const std::string& text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && i + 3 < text.size()) {
            out += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
            i += 3;
        } else {
            out += text[i];
        }
    }
    return out;
}

/// What is mounted below the directories, outermost first.
std::vector<std::string> submounts_of(const std::vector<std::string>& directories) {
    std::vector<std::string> found;
    std::istringstream lines(read_file("/proc/self/mountinfo"));
    for (std::string line; std::getline(lines, line);) {
        const std::string mount_point = unescape_octal(split(line, ' ').at(4));
        for (const std::string& directory : directories) {
            if (mount_point.starts_with("/" + directory + "/")) {
                found.push_back(mount_point);
            }
        }
    }
    return found;
}

}  // namespace

HiddenSubmounts::HiddenSubmounts(const std::vector<std::string>& directories) {
    std::vector<std::string> mounts = submounts_of(directories);
    if (mounts.empty()) {
        return;
    }
    Fd own = open_fd("/proc/self/ns/mnt", O_RDONLY);
    Fd here = open_fd(".", O_PATH | O_DIRECTORY);
    if (::unshare(CLONE_NEWNS) != 0) {
        return;
    }
    m_namespace = std::move(own);
    m_working_directory = std::move(here);
    if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) {
        throw SysError(errno, "keeping mounts to ourselves");
    }
    std::ranges::reverse(mounts);
    for (const std::string& mount_point : mounts) {
        ::umount2(mount_point.c_str(), MNT_DETACH);
    }
}

HiddenSubmounts::~HiddenSubmounts() {
    if (m_namespace && ::setns(m_namespace.get(), CLONE_NEWNS) == 0) {
        // Entering a mount namespace takes one to its root.
        [[maybe_unused]] const int gone = ::fchdir(m_working_directory.get());
    }
}

}  // namespace mstage::sandbox
