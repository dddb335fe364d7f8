#include "pipeline/ninja_reasons.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

namespace mstage::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view k_explain = "ninja explain: ";

/// `text` without `prefix` and `suffix`, when it has both.
std::optional<std::string> between(std::string_view text, std::string_view prefix,
                                   std::string_view suffix) {
    if (text.size() < prefix.size() + suffix.size() || !text.starts_with(prefix) ||
        !text.ends_with(suffix)) {
        return std::nullopt;
    }
    return std::string(text.substr(prefix.size(), text.size() - prefix.size() - suffix.size()));
}

/// Ninja calls files by their path from the build directory where they are in it.
bool is_file(const Plan& plan, const std::string& name, const fs::path& path) {
    return (plan.build_dir / name).lexically_normal() == path.lexically_normal();
}

std::string input_name(const Plan& plan, const std::string& name) {
    if (is_file(plan, name, plan.path)) {
        return "the plan, which CMake writes";
    }
    if (is_file(plan, name, plan.marker_path(k_setup_base))) {
        return "the marker of " + k_setup_base;
    }
    for (const Stage& stage : plan.stages) {
        if (is_file(plan, name, plan.marker_path(stage.checkpoint))) {
            return "the marker of " + stage.checkpoint;
        }
        if (is_file(plan, name, plan.inputs_path(stage.name))) {
            return fmt::format("the list of source files of stage '{}'", stage.name);
        }
    }
    return "'" + name + "'";
}

/// "P older than most recent input I (N vs N)"
std::optional<std::string> newer_input(const std::string& message, const std::string& output) {
    constexpr std::string_view k_older = " older than most recent input ";
    const std::string start = output + std::string(k_older);
    const size_t at = message.find(start);
    const size_t end = message.rfind(" (");
    if (at == std::string::npos || end == std::string::npos || end < at + start.size()) {
        return std::nullopt;
    }
    return message.substr(at + start.size(), end - at - start.size());
}

std::optional<NinjaReason> reason_in(const Plan& plan, const fs::path& marker,
                                     const std::string& message) {
    for (const std::string& name :
         {marker.lexically_relative(plan.build_dir).native(), marker.native()}) {
        if (between(message, "output " + name, " doesn't exist") == "") {
            return NinjaReason{"its marker is not there", message};
        }
        if (between(message, "command line changed for ", name) == "") {
            return NinjaReason{"its command line in build.ninja has changed", message};
        }
        if (between(message, "command line not found in log for ", name) == "") {
            return NinjaReason{"Ninja has no record of having made it", message};
        }
        if (const auto input = newer_input(message, name)) {
            const bool recorded = message.starts_with("recorded mtime of ");
            return NinjaReason{fmt::format("its marker {} older than {}",
                                           recorded ? "was, when Ninja last made it," : "is",
                                           input_name(plan, *input)),
                               message};
        }
    }
    return std::nullopt;
}

}  // namespace

NinjaLook parse_explanations(const Plan& plan, const std::string& checkpoint,
                             std::string_view output) {
    const fs::path marker = plan.marker_path(checkpoint);
    NinjaLook look;
    for (const std::string& line : split(output, '\n')) {
        look.no_work = look.no_work || line == "ninja: no work to do.";
        look.configures = look.configures || line.ends_with("Re-running CMake...");
        if (!line.starts_with(k_explain)) {
            continue;
        }
        const std::string message = line.substr(k_explain.size());
        if (auto reason = reason_in(plan, marker, message)) {
            look.reasons.push_back(std::move(*reason));
        }
    }
    return look;
}

std::optional<NinjaLook> ask_ninja(const Plan& plan, const std::string& checkpoint) {
    if (!plan.build_tool.starts_with("ninja ")) {
        return std::nullopt;
    }
    const std::string target = plan.build_command(checkpoint).substr(plan.build_tool.size() + 1);
    // Put together from the plan's parts: to ask is not to run what a plan says.
    const std::string file =
        plan.config ? fmt::format("build-{}.ninja", *plan.config) : "build.ninja";
    try {
        // Older ones explain on stderr, newer ones may not.
        return parse_explanations(
            plan, checkpoint,
            capture_output({.argv = {"/bin/sh", "-c",
                                     "exec ninja -C \"$1\" -f \"$2\" -n -d explain \"$3\" 2>&1",
                                     "sh", plan.build_dir.native(), file, target},
                            .package_hint = ""}));
    } catch (const Error&) {
        return std::nullopt;  // it is missing, say, or an input is: then it says so when it builds
    }
}

}  // namespace mstage::pipeline
