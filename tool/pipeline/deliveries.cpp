#include "pipeline/deliveries.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"

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

/// What the record of last time says; an empty one, or none, says nothing.
Copies read_record(const fs::path& record) {
    try {
        const auto text = read_file_if_exists(record);
        return text ? json_get<Copies>(parse_json(*text, record.native()), "copies") : Copies{};
    } catch (const Error&) {
        return {};
    }
}

}  // namespace

void record_deliveries(const fs::path& record, const std::vector<fs::path>& written) {
    Copies copies;
    for (const auto& file : written) {
        copies[fs::absolute(file).native()] = describe(file);
    }
    for (const auto& [path, description] : read_record(record)) {
        if (!copies.contains(path) && !description.empty() && description == describe(path)) {
            ::unlink(path.c_str());
        }
    }
    write_file_atomically(record, dump_json_indented({{"version", 1}, {"copies", copies}}));
}

void deliver_artifacts(engine::Engine& engine, const Stage& stage, const engine::ImageId& image,
                       const std::function<void(const std::string&)>& warn) {
    for (const Artifact& artifact : stage.artifacts) {
        try {
            // With the slash it is a directory, new or not.
            const auto written =
                engine.copy_out(engine.image(image), artifact.paths, artifact.destination / "",
                                engine::NoMatch::ignored);
            make_directories(artifact.record.parent_path());
            record_deliveries(artifact.record, written);
        } catch (const Error& error) {
            warn(fmt::format("warning: artifacts of stage '{}' could not be brought to '{}': {}",
                             stage.name, artifact.destination.native(), error.message()));
        }
    }
}

}  // namespace mstage::pipeline
