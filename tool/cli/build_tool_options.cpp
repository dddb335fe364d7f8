#include "cli/build_tool_options.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/text.hpp"

namespace mstage::cli {

namespace fs = std::filesystem;

namespace {

/// Copies as they were made: path → size and time of the last change. What is no file now has none.
using Copies = std::map<std::string, std::string>;

std::string describe(const fs::path& file) {
    struct stat info {};
    if (::lstat(file.c_str(), &info) != 0 || S_ISDIR(info.st_mode)) {
        return {};
    }
    return fmt::format("{} {}.{:09}", info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

/// What the stamp of last time says; an empty one, or none, says nothing.
Copies read_stamp(const fs::path& stamp) {
    try {
        const auto text = read_file_if_exists(stamp);
        return text ? json_get<Copies>(parse_json(*text, stamp.native()), "copies") : Copies{};
    } catch (const Error&) {
        return {};
    }
}

}  // namespace

void BuildToolOptions::declare(VerbParser& parser) {
    parser.group("For build tools");
    parser.option("--stamp", "FILE", stamp, "Write this file at the end; remove old copies");
    parser.option("--depfile", "FILE", depfile, "Write the names of the copies there");
    parser.option("--depfile-target", "OUTPUT", depfile_target,
                  "The output that the depfile is for");
    parser.needs("--depfile", "--depfile-target");
}

void BuildToolOptions::tell(const std::vector<std::filesystem::path>& written) const {
    if (!depfile.empty()) {
        std::string text = escape_depfile_path(depfile_target).value_or("") + ":";
        for (const auto& file : written) {
            // One that cannot be written there isn't watched: better than to copy in every build.
            if (const auto escaped =
                    escape_depfile_path(std::filesystem::absolute(file).native())) {
                text += " \\\n  " + *escaped;
            }
        }
        write_file_if_changed(depfile, text + "\n");
    }
    if (stamp.empty()) {
        return;
    }
    Copies copies;
    for (const auto& file : written) {
        copies[fs::absolute(file).native()] = describe(file);
    }
    for (const auto& [path, description] : read_stamp(stamp)) {
        if (!copies.contains(path) && !description.empty() && description == describe(path)) {
            ::unlink(path.c_str());
        }
    }
    write_file_atomically(stamp, dump_json_indented({{"version", 1}, {"copies", copies}}));
}

}  // namespace mstage::cli
