#include "pipeline/deliveries.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/path_text.hpp"
#include "base/text.hpp"

namespace mstage::pipeline {

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

std::string escaped(const std::string& path) {
    std::string text;
    for (const char c : path) {
        const bool is_plain = c >= ' ' && c <= '~' && c != '%';
        text += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<uint8_t>(c));
    }
    return text;
}

/// What the record of last time says; an empty one, or none, says nothing.
Copies read_record(const fs::path& record) {
    try {
        const auto text = read_file_if_exists(record);
        const Json json = text ? parse_json(*text, record.native()) : Json();
        if (json.is_null()) {
            return {};
        }
        auto copies = json_get<Copies>(json, "copies");
        if (json_get<int>(json, "version") == 1) {
            return copies;
        }
        Copies unescaped;
        for (auto& [path, description] : copies) {
            unescaped[unescape_file_name(path)] = std::move(description);
        }
        return unescaped;
    } catch (const Error&) {
        return {};
    }
}

/// By way of no link, so that a name says where a file is, whatever becomes of directories.
std::string place_of(const fs::path& file) {
    std::error_code error;
    const fs::path directory = fs::canonical(fs::absolute(file).parent_path(), error);
    return error ? "" : (directory / file.filename()).native();
}

Copies copies_of(const std::vector<fs::path>& written) {
    Copies copies;
    for (const fs::path& file : written) {
        copies[place_of(file)] = describe(file);
    }
    return copies;
}

bool is_of_build_system(std::string_view name) {
    static constexpr std::array<std::string_view, 9> k_names = {".mstage",
                                                                ".ninja_deps",
                                                                ".ninja_log",
                                                                "CMakeCache.txt",
                                                                "CMakeFiles",
                                                                "CTestTestfile.cmake",
                                                                "DartConfiguration.tcl",
                                                                "Makefile",
                                                                "cmake_install.cmake"};
    return std::ranges::find(k_names, name) != k_names.end() || name.ends_with(".ninja");
}

/// `kept` are files that others have delivered to the same place.
void record(const fs::path& record, const Copies& copies, const Copies& kept) {
    for (const auto& [path, description] : read_record(record)) {
        const bool is_stale = !copies.contains(path) && !kept.contains(path);
        if (is_stale && !description.empty() && place_of(path) == path &&
            description == describe(path)) {
            ::unlink(path.c_str());
        }
    }
    Copies texts;
    for (const auto& [path, description] : copies) {
        texts[escaped(path)] = description;
    }
    write_file_atomically(record, dump_json_indented({{"version", 2}, {"copies", texts}}));
}

}  // namespace

void record_deliveries(const fs::path& record_file, const std::vector<fs::path>& written) {
    record(record_file, copies_of(written), {});
}

void refuse_links_out(const fs::path& destination, const std::vector<fs::path>& written) {
    const std::string root = fs::weakly_canonical(fs::absolute(destination) / ".").native();
    const std::string directory = root.ends_with('/') ? root.substr(0, root.size() - 1) : root;
    std::optional<Error> error;
    for (const fs::path& file : written) {
        if (!fs::is_symlink(file)) {
            continue;
        }
        const fs::path target = fs::read_symlink(file);
        std::error_code circle;
        const fs::path place =
            fs::weakly_canonical(fs::absolute(file).parent_path() / target, circle);
        if (!circle && is_below(place.native(), directory)) {
            continue;
        }
        fs::remove(file);
        if (!error) {
            error =
                Error("'{}' would be a link to '{}', out of '{}'", escape_control(file.native()),
                      escape_control(target.native()), directory);
        }
    }
    if (error) {
        throw with_hint(std::move(*error), "name what it leads to, or let the stage copy that");
    }
}

engine::CopyGuard keep_build_system(const fs::path& build_dir) {
    return [tree = fs::canonical(build_dir)](const fs::path& place) {
        const fs::path name = *place.lexically_relative(tree).begin();
        if (is_of_build_system(name.native())) {
            throw with_hint(
                Error(
                    "'{}' belongs to the build system of this build tree, and nothing of an image "
                    "may take its place",
                    escape_control(place.native())),
                "give the artifact a DESTINATION of its own, or a PATH without that name");
        }
    };
}

void deliver_artifacts(engine::Engine& engine, const Plan& plan, const Stage& stage,
                       const engine::ImageId& image,
                       const std::function<void(const std::string&)>& warn) {
    Copies all;
    std::vector<std::pair<fs::path, Copies>> made;
    for (const Artifact& artifact : stage.artifacts) {
        try {
            // With the slash it is a directory, new or not.
            const auto written =
                engine.copy_out(engine.image(image), artifact.paths, artifact.destination / "",
                                engine::NoMatch::ignored, keep_build_system(plan.build_dir));
            refuse_links_out(artifact.destination, written);
            made.emplace_back(artifact.record, copies_of(written));
            all.insert(made.back().second.begin(), made.back().second.end());
        } catch (const Error& error) {
            warn(fmt::format("warning: artifacts of stage '{}' could not be brought to '{}': {}",
                             stage.name, artifact.destination.native(), error.message()));
        }
    }
    for (const auto& [file, copies] : made) {
        make_directories(file.parent_path());
        record(file, copies, all);
    }
}

}  // namespace mstage::pipeline
