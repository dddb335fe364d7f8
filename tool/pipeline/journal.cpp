#include "pipeline/journal.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/lock.hpp"
#include "base/text.hpp"

namespace mstage::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr size_t k_max_lines = 2000;
constexpr size_t k_kept_lines = 1000;
/// No line is shorter, so that a short file need not be counted.
constexpr off_t k_shortest_line = 100;

void cut(const fs::path& path, off_t size) {
    if (size < off_t{k_max_lines} * k_shortest_line) {
        return;
    }
    const std::string text = read_file(path);
    if (static_cast<size_t>(std::ranges::count(text, '\n')) > k_max_lines) {
        write_file_atomically(path, last_lines(text, k_kept_lines) + "\n");
    }
}

bool is_torn(int fd, off_t size) {
    char last = '\n';
    return size > 0 && ::pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

}  // namespace

void append_journal(const fs::path& path, const std::string& lines) {
    const FileLock turn = FileLock::acquire(path.native() + ".lock", LockMode::exclusive);
    const Fd fd = open_fd(path, O_RDWR | O_CREAT | O_APPEND, 0666);
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) {
        throw SysError(errno, "writing '{}'", path.native());
    }
    const std::string text = (is_torn(fd.get(), info.st_size) ? "\n" : "") + lines;
    const ssize_t written = ::write(fd.get(), text.data(), text.size());
    if (written != static_cast<ssize_t>(text.size())) {
        const int number = written < 0 ? errno : ENOSPC;
        [[maybe_unused]] const int ignored = ::ftruncate(fd.get(), info.st_size);
        throw SysError(number, "writing '{}'", path.native());
    }
    cut(path, info.st_size + static_cast<off_t>(text.size()));
}

std::vector<std::string> read_journal(const fs::path& path, std::string_view part) {
    std::vector<std::string> lines = split(read_file_if_exists(path).value_or(""), '\n');
    std::erase_if(lines, [&](const std::string& line) {
        return line.empty() || line.find(part) == std::string::npos;
    });
    return lines;
}

}  // namespace mstage::pipeline
