#include "pipeline/forecast.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "pipeline/scan.hpp"
#include "pipeline/stage_key.hpp"

namespace mstage::pipeline {

const char* to_string(Action action) {
    switch (action) {
        case Action::keep:
            return "keep";
        case Action::restore:
            return "restore";
        case Action::import:
            return "import";
        case Action::run:
            break;
    }
    return "run";
}

void Forecast::assume(const Plan& plan, PlanState state) {
    m_views.insert_or_assign(plan.state_dir, View{.state = std::move(state)});
}

Forecast::View& Forecast::view_of(const Plan& plan) {
    const auto found = m_views.find(plan.state_dir);
    return found != m_views.end()
               ? found->second
               : m_views.emplace(plan.state_dir, View{.state = read_plan_state(plan)})
                     .first->second;
}

const CheckpointForecast& Forecast::of(const Plan& plan, const std::string& checkpoint) {
    const auto found = view_of(plan).known.find(checkpoint);
    if (found != view_of(plan).known.end()) {
        return found->second;
    }
    CheckpointForecast made = look(plan, checkpoint);
    return view_of(plan).known.emplace(checkpoint, std::move(made)).first->second;
}

std::vector<CheckpointForecast> Forecast::all(const Plan& plan) {
    std::vector<CheckpointForecast> found{of(plan, k_setup_base)};
    for (const Stage& stage : plan.stages) {
        found.push_back(of(plan, stage.checkpoint));
    }
    return found;
}

CheckpointForecast Forecast::look(const Plan& plan, const std::string& checkpoint) {
    const PlanState& state = view_of(plan).state;
    CheckpointForecast found{.checkpoint = checkpoint};
    if (const auto marker = state.markers.find(checkpoint); marker != state.markers.end()) {
        found.marker = marker->second;
        found.image_lost = !has(found.marker->image);
    }
    if (const Stage* stage = plan.stage_of_checkpoint(checkpoint)) {
        look_at_stage(plan, *stage, found);
    } else {
        look_at_base(plan, found);
    }
    if (const auto pin = state.pins.find(checkpoint); pin != state.pins.end()) {
        const Checkpoint& wanted = pin->second.checkpoint;
        found.pinned = true;
        found.image = wanted.image;
        found.image_lost = !has(wanted.image);
        found.action = found.marker == wanted ? Action::keep : Action::restore;
    }
    return found;
}

void Forecast::look_at_base(const Plan& plan, CheckpointForecast& found) {
    found.image = m_engine.find_base(plan.base);
    if (!found.image) {
        found.action = Action::import;
    } else {
        const bool is_same = found.marker && found.marker->image == *found.image;
        found.action = is_same ? Action::keep : Action::restore;
    }
}

void Forecast::look_at_stage(const Plan& plan, const Stage& stage, CheckpointForecast& found) {
    const engine::InputsLook inputs = inputs_of(plan, stage);
    found.inputs_file = inputs.inputs_file;
    found.parent = of(plan, stage.from).image;
    const auto copies = copies_of(plan, stage);
    if (!found.parent || !copies) {
        return;
    }
    found.key_parts =
        stage_key_parts(plan, stage, m_engine.name(), *found.parent, inputs.digest, *copies);
    found.key = stage_key(*found.key_parts);
    found.retired = view_of(plan).state.retired.contains(*found.key);
    if (found.marker && !found.image_lost && found.marker->parent == found.parent &&
        found.marker->key == found.key) {
        found.action = Action::keep;
        found.image = found.marker->image;
    } else if (const auto known = m_engine.find_key(*found.key); known && !found.retired) {
        found.action = Action::restore;
        found.image = *known;
    }
}

std::optional<std::vector<engine::ImageCopy>> Forecast::copies_of(const Plan& plan,
                                                                  const Stage& stage) {
    std::vector<engine::ImageCopy> copies;
    for (const StageCopy& copy : stage.copies) {
        const Plan owner = copy.plan ? read_plan(*copy.plan) : plan;
        const auto image = of(owner, copy.checkpoint).image;
        if (!image) {
            return std::nullopt;
        }
        copies.push_back({.image = *image, .path = copy.path, .destination = copy.destination});
    }
    return copies;
}

const engine::InputsLook& Forecast::inputs_of(const Plan& plan, const Stage& stage) {
    auto& inputs = view_of(plan).inputs;
    if (!inputs) {
        const auto scratch = m_scratch.path() / std::to_string(m_looks++);
        make_directories(scratch);
        inputs = look_at_source(m_engine, plan, scratch);
    }
    return *std::ranges::find(*inputs, stage.name, &engine::InputsLook::stage);
}

}  // namespace mstage::pipeline
