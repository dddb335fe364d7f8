#include "archive/file_data.hpp"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/error.hpp"

namespace mstage::archive {

namespace {

constexpr size_t k_buffer_size = 256UL * 1024;

/// For pairs of file systems between which the kernel does not copy by itself.
off_t copy_by_hand(int source, int target, off_t begin, off_t end) {
    std::vector<char> buffer(std::min(k_buffer_size, static_cast<size_t>(end - begin)));
    const size_t wanted = std::min(buffer.size(), static_cast<size_t>(end - begin));
    const ssize_t count = ::pread(source, buffer.data(), wanted, begin);
    if (count < 0) {
        throw SysError(errno, "reading its data");
    }
    for (ssize_t written = 0; written < count;) {
        const ssize_t more = ::pwrite(target, buffer.data() + written,
                                      static_cast<size_t>(count - written), begin + written);
        if (more < 0) {
            throw SysError(errno, "writing its data");
        }
        written += more;
    }
    return count;
}

/// One call's worth; 0 when the source ends early, as a file does that somebody shortens.
off_t copy_some(int source, int target, off_t begin, off_t end) {
    loff_t from = begin;
    loff_t to = begin;
    const ssize_t count =
        ::copy_file_range(source, &from, target, &to, static_cast<size_t>(end - begin), 0);
    if (count >= 0) {
        return count;
    }
    if (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS) {
        return copy_by_hand(source, target, begin, end);
    }
    throw SysError(errno, "copying its data");
}

std::uint64_t copy_extent(int source, int target, off_t begin, off_t end) {
    off_t at = begin;
    while (at < end) {
        const off_t count = copy_some(source, target, at, end);
        if (count == 0) {
            break;
        }
        at += count;
    }
    return static_cast<std::uint64_t>(at - begin);
}

}  // namespace

std::uint64_t copy_file_data(int source, int target, off_t size) {
    if (size == 0) {
        return 0;
    }
    if (::ioctl(target, FICLONE, source) == 0) {
        return static_cast<std::uint64_t>(size);
    }
    std::uint64_t copied = 0;
    off_t end = 0;
    while (end < size) {
        const off_t begin = ::lseek(source, end, SEEK_DATA);
        // ENXIO: nothing but a hole up to the end. Other errors: no file system that knows holes.
        if (begin < 0 && errno == ENXIO) {
            break;
        }
        const off_t data = begin < 0 ? end : begin;
        const off_t hole = begin < 0 ? size : ::lseek(source, begin, SEEK_HOLE);
        end = hole < 0 ? size : std::min(hole, size);
        copied += copy_extent(source, target, data, end);
    }
    if (::ftruncate(target, size) != 0) {
        throw SysError(errno, "making it {} bytes long", size);
    }
    return copied;
}

}  // namespace mstage::archive
