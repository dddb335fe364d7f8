#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/types.hpp"
#include "pipeline/plan.hpp"

namespace mstage::pipeline {

/// The marker of a checkpoint, `<state_dir>/<checkpoint>.checkpoint`: a JSON object, version 1, an
/// output of the build tool. It exists exactly when the stage is good; the image that it names was
/// made from `parent` with `key`.
struct Checkpoint {
    std::string name;
    engine::ImageId image;
    std::optional<engine::ImageId> parent;  ///< nothing for setup-base
    std::optional<std::string> key;

    bool operator==(const Checkpoint&) const = default;
};

/// Nothing when there is no marker, or one that is not whole (which counts as none).
std::optional<Checkpoint> read_checkpoint(const Plan& plan, const std::string& name);
/// As above; absence is an Error that says how to build it.
Checkpoint get_checkpoint(const Plan& plan, const std::string& name);

/// Leaves a marker that names the same image alone, so that nothing behind it is out of date. Else
/// the marker is a new file with a new mtime. True when it was written.
bool write_checkpoint(const Plan& plan, const Checkpoint& checkpoint);
/// The same, but for the time it is always new: what is behind it is to be looked at.
void write_new_checkpoint(const Plan& plan, const Checkpoint& checkpoint);
void remove_checkpoint(const Plan& plan, const std::string& name);

/// The dependency file of the output `output`: it depends on `inputs` too. A name that cannot be
/// written in such a file is replaced by that of a file which is never there, so that the output is
/// made in every build.
void write_depfile(const Plan& plan, const std::filesystem::path& depfile,
                   const std::filesystem::path& output, const std::vector<std::string>& inputs);
/// The name of that file.
std::string never_there(const Plan& plan);

}  // namespace mstage::pipeline
