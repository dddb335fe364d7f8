#include "base/file_end.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace mstage {

std::string read_end_of_file(const std::filesystem::path& path, std::size_t size) {
    const Fd fd = open_fd(path, O_RDONLY);
    struct stat info {};
    ::fstat(fd.get(), &info);
    ::lseek(fd.get(), std::max<off_t>(0, info.st_size - static_cast<off_t>(size)), SEEK_SET);
    return with_context("'" + path.native() + "'", [&] { return read_all(fd.get()); });
}

}  // namespace mstage
