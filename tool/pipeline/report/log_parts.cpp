#include "pipeline/report/log_parts.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "base/file.hpp"

namespace mstage::pipeline {

namespace {

std::string read_at(int fd, off_t offset, size_t size) {
    std::string text(size, '\0');
    size_t done = 0;
    while (done < size) {
        const ssize_t count =
            ::pread(fd, text.data() + done, size - done, offset + static_cast<off_t>(done));
        if (count < 0 && errno != EINTR) {
            throw SysError(errno, "reading a log");
        }
        if (count == 0) {
            break;  // it has become shorter
        }
        done += count > 0 ? static_cast<size_t>(count) : 0;
    }
    text.resize(done);
    return text;
}

}  // namespace

Json log_parts(const std::filesystem::path& log, size_t head_bytes, size_t tail_bytes) {
    struct stat info {};
    if (::stat(log.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
        return nullptr;
    }
    const Fd fd = open_fd(log, O_RDONLY);
    const auto size = static_cast<size_t>(info.st_size);
    std::string head;
    std::string tail;
    if (size <= head_bytes + tail_bytes) {
        head = read_at(fd.get(), 0, size);
    } else {
        head = read_at(fd.get(), 0, head_bytes);
        head.resize(head.find_last_of('\n') == std::string::npos ? head.size()
                                                                 : head.find_last_of('\n') + 1);
        tail = read_at(fd.get(), info.st_size - static_cast<off_t>(tail_bytes), tail_bytes);
        const size_t newline = tail.find('\n');
        tail.erase(0, newline == std::string::npos || newline + 1 == tail.size() ? 0 : newline + 1);
    }
    const size_t shown = head.size() + tail.size();
    return {{"path", log.native()},
            {"size_bytes", size},
            {"cut_bytes", size > shown ? size - shown : 0},
            {"head", std::move(head)},
            {"tail", std::move(tail)}};
}

}  // namespace mstage::pipeline
