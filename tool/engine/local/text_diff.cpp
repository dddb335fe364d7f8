#include "engine/local/text_diff.hpp"

#include <fcntl.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

/// As git has it: a NUL near the start.
bool is_binary(const fs::path& path) {
    constexpr size_t k_looked_at = 8000;
    const Fd fd = open_fd(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    std::string head(k_looked_at, '\0');
    head.resize(read_some(fd.get(), head));
    return head.find('\0') != std::string::npos;
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
std::string hunks(const fs::path& before, const fs::path& after) {
    // It says by 1 that there are differences.
    const std::string text =
        capture_output({.argv = {"/bin/sh", "-c", "LC_ALL=C diff -u -- \"$1\" \"$2\"; [ $? -le 1 ]",
                                 "diff", before.native(), after.native()},
                        .package_hint = ""});
    const size_t start = text.find("\n@@ ");
    return start == std::string::npos ? "" : text.substr(start + 1);
}

void add_text(const fs::path& before, const fs::path& after, const TextLimits& limits,
              FileChange& change) {
    const auto in = [&](const fs::path& root, const std::optional<FileInfo>& file) {
        return file ? root / fs::path(file->path).relative_path() : fs::path("/dev/null");
    };
    for (const auto& file : {change.before, change.after}) {
        if (file && file->size > limits.bytes) {
            change.no_text = "larger than " + human_size(limits.bytes);
            return;
        }
    }
    const fs::path left = in(before, change.before);
    const fs::path right = in(after, change.after);
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
