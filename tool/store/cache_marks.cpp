#include "store/cache_marks.hpp"

#include <algorithm>
#include <charconv>

#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace mstage::store {

namespace fs = std::filesystem;

namespace {

constexpr const char* k_infix = ".unsearched.";

std::vector<fs::path> marks_of(const fs::path& cache) {
    const std::string beginning = cache.filename().native() + k_infix;
    std::vector<fs::path> marks;
    for (const auto& entry : fs::directory_iterator(cache.parent_path())) {
        if (entry.path().filename().native().starts_with(beginning)) {
            marks.push_back(entry.path());
        }
    }
    return marks;
}

}  // namespace

CacheMark::CacheMark(const fs::path& cache, const RunId& run,
                     const std::vector<std::string>& secrets, std::time_t since)
    : CacheMark(FileLock::acquire(cache.native() + k_infix + run.str(), LockMode::exclusive),
                since) {
    std::string text = std::to_string(since) + "\n";
    for (const std::string& id : secrets) {
        text += id + "\n";
    }
    write_all(m_lock.fd(), text);
}

std::vector<CacheMark> CacheMark::left_at(const fs::path& cache,
                                          const std::vector<std::string>& secrets) {
    std::vector<CacheMark> marks;
    for (const fs::path& path : marks_of(cache)) {
        auto lock = FileLock::try_acquire(path, LockMode::exclusive);
        if (!lock) {
            continue;
        }
        std::vector<std::string> lines = split(read_file_if_exists(path).value_or(""), '\n');
        std::erase(lines, "");
        std::time_t since = 0;
        if (!lines.empty()) {
            std::from_chars(lines[0].data(), lines[0].data() + lines[0].size(), since);
            lines.erase(lines.begin());
        }
        // One without lines is of a run that had not begun.
        const bool is_covered = std::ranges::all_of(lines, [&](const std::string& id) {
            return std::ranges::find(secrets, id) != secrets.end();
        });
        if (lines.empty()) {
            lock->remove_and_release();
        } else if (is_covered) {
            marks.push_back(CacheMark(std::move(*lock), since));
        }
    }
    return marks;
}

void remove_marks_of(const fs::path& cache) {
    for (const fs::path& mark : marks_of(cache)) {
        fs::remove(mark);
    }
}

}  // namespace mstage::store
