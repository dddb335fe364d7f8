#include "pipeline/pins.hpp"

#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json.hpp"
#include "pipeline/state_file.hpp"

namespace mstage::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr int k_version = 1;

fs::path pin_path(const Plan& plan, const std::string& checkpoint) {
    return plan.state_dir / (checkpoint + ".pin");
}

fs::path retired_path(const Plan& plan, const std::string& key) {
    return plan.state_dir / "retired" / key;
}

}  // namespace

std::optional<Pin> read_pin(const Plan& plan, const std::string& checkpoint) {
    const auto json = read_state_file(pin_path(plan, checkpoint), k_version);
    const auto image = json ? find_id<engine::ImageId>(*json, "image") : std::nullopt;
    const auto since = json ? find_time(*json, "since") : std::nullopt;
    if (!image || !since) {
        return std::nullopt;
    }
    return Pin{.checkpoint = {.name = checkpoint,
                              .image = *image,
                              .parent = find_id<engine::ImageId>(*json, "parent"),
                              .key = find_text(*json, "key")},
               .since = *since};
}

void write_pin(const Plan& plan, const Pin& pin) {
    const Json json = {{"version", k_version},
                       {"image", pin.checkpoint.image.str()},
                       {"parent", json_or_null(pin.checkpoint.parent)},
                       {"key", json_or_null(pin.checkpoint.key)},
                       {"since", format_time(pin.since)}};
    write_file_atomically(pin_path(plan, pin.checkpoint.name), dump_json_indented(json));
}

void remove_pin(const Plan& plan, const std::string& checkpoint) {
    remove_state_file(pin_path(plan, checkpoint));
}

bool is_retired(const Plan& plan, const std::string& key) {
    return fs::exists(retired_path(plan, key));
}

void retire(const Plan& plan, const std::string& key, const std::string& checkpoint) {
    make_directories(plan.state_dir / "retired");
    write_file_atomically(retired_path(plan, key), checkpoint + "\n");
}

void unretire(const Plan& plan, const std::string& key) {
    remove_state_file(retired_path(plan, key));
}

PlanState read_plan_state(const Plan& plan) {
    PlanState state;
    const auto read = [&](const std::string& name) {
        if (auto marker = read_checkpoint(plan, name)) {
            state.markers.emplace(name, std::move(*marker));
        }
        if (auto pin = read_pin(plan, name)) {
            state.pins.emplace(name, std::move(*pin));
        }
    };
    read(k_setup_base);
    for (const Stage& stage : plan.stages) {
        read(stage.checkpoint);
    }
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(plan.state_dir / "retired", none)) {
        if (std::string name = entry.path().filename(); is_sha256_hex(name)) {
            state.retired.insert(std::move(name));
        }
    }
    return state;
}

}  // namespace mstage::pipeline
