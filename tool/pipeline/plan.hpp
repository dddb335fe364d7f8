#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/types.hpp"
#include "pipeline/secret_source.hpp"

namespace mstage::pipeline {

/// The name of the stage and of the checkpoint that every pipeline starts with: the base image.
inline const std::string k_setup_base = "setup-base";

/// A command and how it is run.
struct Task {
    std::string name;
    std::string from;     ///< the checkpoint whose image it runs on
    std::string command;  ///< for `sh -c`
    std::map<std::string, std::string> environment;
    std::string workdir;
    std::string user{};                   ///< empty: the image's
    std::vector<engine::Cache> caches{};  ///< sorted by path
    std::vector<SecretSource> secrets{};  ///< sorted by id; never a value
    bool network = true;
    std::chrono::seconds timeout{0};  ///< 0: none
};

struct Test : Task {
    std::size_t repeat = 1;   ///< so many runs, each on a copy of its own
    std::size_t at_once = 1;  ///< of these
};

/// Files of another checkpoint that a stage finds in its image.
struct StageCopy {
    std::optional<std::filesystem::path> plan;  ///< of the checkpoint's pipeline; nothing: this one
    std::string checkpoint;
    std::string path;         ///< absolute, may have wildcards
    std::string destination;  ///< as engine::ImageCopy::destination
};

/// Files that are brought out of a stage's image whatever its exit.
struct Artifact {
    std::vector<std::string> paths;     ///< absolute, may have wildcards
    std::filesystem::path destination;  ///< a directory
    std::filesystem::path record;       ///< what was brought out; see deliveries.hpp
};

struct Stage : Task {
    std::string checkpoint;
    std::string target;                              ///< what the build tool calls the checkpoint
    std::optional<std::vector<std::string>> inputs;  ///< patterns; nothing: all of the source
    std::vector<std::string> exclude;                ///< patterns, of what the inputs take
    std::vector<StageCopy> copies;
    bool live = false;
    std::vector<Artifact> artifacts{};
};

/// One pipeline as the CMake module wrote it: `plan.json` in the pipeline's state directory,
/// version 1. A build tree with several configurations has a state directory, and so a plan, for
/// each of them. All fields are always present; unknown ones are ignored, so that fields can be added;
/// any other version is refused.
struct Plan {
    std::filesystem::path path;
    std::string pipeline;
    bool is_default = false;  ///< the build's first: its checkpoints need no pipeline's name
    std::optional<std::string> config{};          ///< nothing in a build tree with only one
    std::optional<std::string> default_config{};  ///< the one that is meant when none is named
    std::filesystem::path source;
    std::filesystem::path build_dir;
    std::filesystem::path state_dir;
    std::optional<std::filesystem::path> store;
    std::string engine;
    std::string base;
    std::string workdir;
    std::vector<std::string> exclude;
    bool scan_every_build = false;  ///< also what build tools cannot see is noticed then: a chmod
    std::string
        build_tool;  ///< the words that build a target, but for its name: "ninja -C /x/build"
    std::vector<Stage>
        stages;  ///< in an order in which each comes after the one it is from; without setup-base
    std::vector<Test> tests;

    /// Throws UsageError when there is none of that name.
    const Stage& stage(const std::string& name) const;
    const Test& test(const std::string& name) const;
    /// Nothing for setup-base and for names that no stage has.
    const Stage* stage_of_checkpoint(const std::string& checkpoint) const;
    bool has_checkpoint(const std::string& checkpoint) const;

    std::filesystem::path marker_path(const std::string& checkpoint) const;
    std::filesystem::path depfile_path(const std::string& name) const;
    std::filesystem::path inputs_path(const std::string& stage) const;
    std::filesystem::path failure_path(const std::string& checkpoint) const;
    std::filesystem::path running_path(const std::string& checkpoint) const;
    /// "app.build-complete", with ":Debug" behind it where there are several configurations.
    std::string full_name(const std::string& checkpoint) const;
    /// The command line that builds the checkpoint.
    std::string build_command(const std::string& checkpoint) const;
    /// The same for a target that does something else to it, "rollback-" or "shell-".
    std::string build_command_for(const std::string& what, const std::string& checkpoint) const;
};

Plan read_plan(const std::filesystem::path& path);

}  // namespace mstage::pipeline
