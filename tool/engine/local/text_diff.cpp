#include "engine/local/text_diff.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

/// As git has it: a NUL near the start.
bool is_binary(const Fd& fd) {
    constexpr size_t k_looked_at = 8000;
    std::string head(k_looked_at, '\0');
    const ssize_t size = ::pread(fd.get(), head.data(), head.size(), 0);
    head.resize(static_cast<size_t>(std::max<ssize_t>(size, 0)));
    return head.find('\0') != std::string::npos;
}

/// The file as a process in the image would find it: links lead nowhere else. Without one, nothing.
Fd open_in(const fs::path& root, const std::optional<FileInfo>& file) {
    if (!file) {
        return open_fd("/dev/null", O_RDONLY);
    }
    const Fd directory = open_fd(root, O_PATH | O_DIRECTORY);
    Fd fd = try_open_in_root(directory.get(), file->path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    if (!fd) {
        throw SysError(errno, "'{}' in the image", file->path);
    }
    return fd;
}

/// For another program, which does not have our descriptors.
std::string name_of(const Fd& fd) {
    return fmt::format("/proc/{}/fd/{}", ::getpid(), fd.get());
}

bool has_text(const FileChange& change) {
    const auto is_file = [](const std::optional<FileInfo>& file) {
        return !file || file->type == 'f';
    };
    const bool differs = !change.before || !change.after ||
                         std::ranges::find(change.aspects, Aspect::content) != change.aspects.end();
    return differs && is_file(change.before) && is_file(change.after);
}

/// The hunks, without the two lines that name the files.
std::string hunks(const Fd& before, const Fd& after) {
    // It says by 1 that there are differences.
    const std::string text =
        capture_output({.argv = {"/bin/sh", "-c", "LC_ALL=C diff -u -- \"$1\" \"$2\"; [ $? -le 1 ]",
                                 "diff", name_of(before), name_of(after)},
                        .package_hint = ""});
    const size_t start = text.find("\n@@ ");
    return start == std::string::npos ? "" : text.substr(start + 1);
}

void add_text(const fs::path& before, const fs::path& after, const TextLimits& limits,
              FileChange& change) {
    for (const auto& file : {change.before, change.after}) {
        if (file && file->size > limits.bytes) {
            change.no_text = "larger than " + human_size(limits.bytes);
            return;
        }
    }
    const Fd left = open_in(before, change.before);
    const Fd right = open_in(after, change.after);
    if ((change.before && is_binary(left)) || (change.after && is_binary(right))) {
        change.no_text = "binary";
        return;
    }
    change.text = hunks(left, right);
}

}  // namespace

void add_texts(const fs::path& before, const fs::path& after, const TextLimits& limits,
               std::vector<FileChange>& changes) {
    if (!find_program("diff")) {
        throw with_hint(Error("program 'diff' is missing"), "install the package diffutils");
    }
    size_t count = 0;
    for (FileChange& change : changes) {
        if (!has_text(change)) {
            continue;
        }
        if (count == limits.files) {
            change.no_text = fmt::format("after {} files", limits.files);
            continue;
        }
        with_context(fmt::format("comparing the text of '{}'", escape_control(change.path())),
                     [&] { add_text(before, after, limits, change); });
        count += change.no_text.empty() ? 1 : 0;
    }
}

}  // namespace mstage::engine
