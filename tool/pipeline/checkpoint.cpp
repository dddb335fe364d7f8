#include "pipeline/checkpoint.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "pipeline/failures.hpp"
#include "pipeline/state_file.hpp"

namespace mstage::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr int k_version = 1;

}  // namespace

std::optional<Checkpoint> read_checkpoint(const Plan& plan, const std::string& name) {
    const auto json = read_state_file(plan.marker_path(name), k_version);
    const auto image = json ? find_id<engine::ImageId>(*json, "image") : std::nullopt;
    if (!image) {
        // One that a power cut tore would be up to date to the build tool.
        remove_checkpoint(plan, name);
        return std::nullopt;
    }
    return Checkpoint{.name = name,
                      .image = *image,
                      .parent = find_id<engine::ImageId>(*json, "parent"),
                      .key = find_text(*json, "key")};
}

Checkpoint get_checkpoint(const Plan& plan, const std::string& name) {
    const auto checkpoint = read_checkpoint(plan, name);
    if (!checkpoint) {
        const std::string remedy = plan.build_command(name);
        throw with_hint(
            Error("checkpoint '{}' of pipeline '{}' has not been built", name, plan.pipeline),
            read_failure(plan, name) ? fmt::format("{}; what its last attempt left is '{}@failed'",
                                                   remedy, plan.full_name(name))
                                     : remedy);
    }
    return *checkpoint;
}

bool write_checkpoint(const Plan& plan, const Checkpoint& checkpoint) {
    if (read_checkpoint(plan, checkpoint.name) == checkpoint) {
        return false;
    }
    write_new_checkpoint(plan, checkpoint);
    return true;
}

void write_new_checkpoint(const Plan& plan, const Checkpoint& checkpoint) {
    const Json json = {
        {"version", k_version},
        {"pipeline", plan.pipeline},
        {"checkpoint", checkpoint.name},
        {"image", checkpoint.image.str()},
        {"parent", json_or_null(checkpoint.parent)},
        {"key", json_or_null(checkpoint.key)},
    };
    write_file_atomically(plan.marker_path(checkpoint.name), dump_json_indented(json));
}

void remove_checkpoint(const Plan& plan, const std::string& name) {
    remove_state_file(plan.marker_path(name));
}

void write_depfile(const Plan& plan, const fs::path& depfile, const fs::path& output,
                   const std::vector<std::string>& inputs) {
    // Ninja knows its outputs by the path from the build directory, make in a subdirectory by the
    // absolute one.
    std::string text;
    for (const fs::path& name : {output.lexically_relative(plan.build_dir), output}) {
        if (const auto escaped = escape_depfile_path(name.native())) {
            text += (text.empty() ? "" : " ") + *escaped;
        }
    }
    text += ":";
    for (const std::string& input : inputs) {
        const auto escaped = escape_depfile_path(input);
        text += " \\\n  " + (escaped ? *escaped : never_there(plan));
    }
    write_file_if_changed(depfile, text + "\n");
}

std::string never_there(const Plan& plan) {
    const fs::path path = plan.state_dir / "in-every-build";
    // Whatever the build directory is called: from there, this name can be read.
    return path.lexically_relative(plan.build_dir).native();
}

}  // namespace mstage::pipeline
