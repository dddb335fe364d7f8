#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/scratch_directory.hpp"
#include "engine/engine.hpp"
#include "pipeline/checkpoint.hpp"
#include "pipeline/pins.hpp"
#include "pipeline/plan.hpp"

namespace mstage::pipeline {

/// What the next build does about a checkpoint.
enum class Action {
    keep,     ///< the marker says the same already, or would if it were looked at: it is pinned
    restore,  ///< the store has the image
    import,   ///< of setup-base only
    run,  ///< also when all that is known is that its parent, or what it copies from, is made anew
};
const char* to_string(Action action);

/// The action, and what it follows from.
struct CheckpointForecast {
    std::string checkpoint;
    Action action = Action::run;
    std::optional<Checkpoint> marker{};      ///< nothing when there is none
    std::optional<engine::ImageId> image{};  ///< what it will be; nothing when that is made anew
    /// What it will be made from; nothing when that is made anew, and for setup-base.
    std::optional<engine::ImageId> parent{};
    /// Nothing when the parent, or what it copies from, is made anew, and for setup-base.
    std::optional<Json> key_parts{};
    std::optional<std::string> key{};
    std::filesystem::path inputs_file{};  ///< lists the source files as they are now
    bool retired = false;                 ///< the key is
    bool pinned = false;
    /// The store has not the image of the marker, or of the pin, any more.
    bool image_lost = false;
};

/// What a build tool would do if it were called now: by the rules that run_stage() goes by, with the
/// source as it is. No state file is changed, and nothing is taken into the store. What only CMake
/// would change, a plan, is not foreseen.
///
/// Results are kept: an object is one look.
class Forecast {
public:
    explicit Forecast(engine::Engine& engine) : m_engine(engine) {}

    /// As if the plan's state were this instead of what is on disk. To be called first.
    void assume(const Plan& plan, PlanState state);
    const CheckpointForecast& of(const Plan& plan, const std::string& checkpoint);
    /// Of all checkpoints of the plan, parents first.
    std::vector<CheckpointForecast> all(const Plan& plan);

private:
    struct View {
        PlanState state;
        std::optional<std::vector<engine::InputsLook>> inputs{};
        std::map<std::string, CheckpointForecast> known{};
    };
    View& view_of(const Plan& plan);
    const engine::InputsLook& inputs_of(const Plan& plan, const Stage& stage);
    std::optional<std::vector<engine::ImageCopy>> copies_of(const Plan& plan, const Stage& stage);
    CheckpointForecast look(const Plan& plan, const std::string& checkpoint);
    void look_at_base(const Plan& plan, CheckpointForecast& found);
    void look_at_stage(const Plan& plan, const Stage& stage, CheckpointForecast& found);
    bool has(const engine::ImageId& image) { return m_engine.find(image).has_value(); }

    engine::Engine& m_engine;
    ScratchDirectory m_scratch{};
    size_t m_looks = 0;                               ///< at the source of a plan
    std::map<std::filesystem::path, View> m_views{};  ///< by the plan's state directory
};

}  // namespace mstage::pipeline
