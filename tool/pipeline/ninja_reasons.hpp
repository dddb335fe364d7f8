#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/plan.hpp"

namespace mstage::pipeline {

/// Why Ninja would call the helper for a checkpoint, as it says itself.
struct NinjaReason {
    std::string text;     ///< for people
    std::string message;  ///< Ninja's own
};

struct NinjaLook {
    std::vector<NinjaReason> reasons{};
    bool no_work = false;     ///< it would not do anything at all
    bool configures = false;  ///< CMake would run first, and might change everything
};

/// Asks Ninja, without doing anything. Nothing when the build tool is another one, or when it cannot
/// be asked.
std::optional<NinjaLook> ask_ninja(const Plan& plan, const std::string& checkpoint);

/// What `ninja -n -d explain` printed, as far as it is about the checkpoint's marker itself: that
/// what the marker is made from is to be made first, is no reason of its own.
NinjaLook parse_explanations(const Plan& plan, const std::string& checkpoint,
                             std::string_view output);

}  // namespace mstage::pipeline
