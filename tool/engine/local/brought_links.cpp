#include "engine/local/brought_links.hpp"

#include <sys/stat.h>

#include <deque>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/path_text.hpp"
#include "base/text.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

/// As many links as the kernel follows on one way.
constexpr int k_most_links = 40;

/// Empty for what is no link.
std::string description_of(const fs::path& place) {
    struct stat info {};
    if (::lstat(place.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) {
        return {};
    }
    return fmt::format("{} {}.{:09}", info.st_ino, info.st_ctim.tv_sec, info.st_ctim.tv_nsec);
}

/// By way of no link; the name itself may be one. Empty when its directory is not there.
fs::path place_of(const fs::path& path) {
    std::error_code missing;
    const fs::path directory = fs::canonical(fs::absolute(path).parent_path(), missing);
    return missing ? fs::path() : directory / path.filename();
}

bool leads_out_of(const fs::path& directory, const fs::path& link) {
    std::error_code circle;
    const fs::path end = fs::weakly_canonical(link.parent_path() / fs::read_symlink(link), circle);
    return circle || !is_below(end.native(), directory.native());
}

}  // namespace

fs::path BroughtLinks::record_of(const fs::path& place) const {
    return m_directory / sha256_hex(place.native());
}

bool BroughtLinks::is_known(const fs::path& place) const {
    const std::string description = description_of(place);
    return !description.empty() && read_file_if_exists(record_of(place)) == description;
}

void BroughtLinks::note(const fs::path& destination, const std::vector<fs::path>& written) const {
    const bool is_destination = written.size() == 1 && written.front() == destination;
    // Without the slash that it may end with.
    const fs::path root = fs::weakly_canonical(
        is_destination ? fs::absolute(destination).parent_path() : fs::absolute(destination) / ".");
    const fs::path directory = root.has_filename() ? root : root.parent_path();
    for (const fs::path& file : written) {
        const fs::path place = fs::is_symlink(file) ? place_of(file) : fs::path();
        if (!place.empty() && leads_out_of(directory, place)) {
            make_directories(m_directory, 0700);
            write_file_atomically(record_of(place), description_of(place));
        }
    }
}

bool BroughtLinks::has(const fs::path& path) const {
    return path.has_filename() && is_known(place_of(path));
}

void BroughtLinks::refuse(const fs::path& path) const {
    const fs::path whole = fs::absolute(path);
    std::deque<fs::path> names(whole.begin(), whole.end());
    fs::path at = "/";
    for (int links = 0; !names.empty() && links <= k_most_links;) {
        const fs::path name = std::move(names.front());
        names.pop_front();
        if (name == "/" || name == "." || name.empty()) {
            continue;
        }
        if (name == "..") {
            at = at.parent_path();
            continue;
        }
        const fs::path next = at / name;
        std::error_code closed;
        if (!fs::is_symlink(fs::symlink_status(next, closed))) {
            at = next;
            continue;
        }
        const fs::path target = fs::read_symlink(next);
        if (is_known(next)) {
            throw with_hint(Error("'{}' is a link to '{}' that came out of an image: nothing is "
                                  "copied through it",
                                  escape_control(next.native()), escape_control(target.native())),
                            "name what it leads to, or make the link yourself");
        }
        ++links;
        at = target.is_absolute() ? "/" : at;
        names.insert(names.begin(), target.begin(), target.end());
    }
}

}  // namespace mstage::engine
