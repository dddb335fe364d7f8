#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "pipeline/plan.hpp"

namespace mstage::pipeline {

/// What an attempt at a checkpoint left when it failed.
struct Failure {
    engine::RunId run;
    engine::ImageId state;
};

/// So many are kept for each checkpoint, also when a later attempt went well.
constexpr size_t k_kept_failures = 3;

/// The failed attempts at a checkpoint, `<checkpoint>.failed`: a JSON object, version 2, with all
/// fields always there.
///
///     attempts     the last ones, newest first: {run, state}
///     last_failed  whether the newest of them is the last attempt of all
///     leftovers    states of older ones that the store still has, because somebody used them when
///                  they were to go
///
/// Version 1 was about one attempt, with `run` and `state`, and was removed when one went well. What
/// is not whole counts as not there.
struct Failures {
    std::vector<Failure> attempts{};
    bool last_failed = false;
    std::vector<engine::ImageId> leftovers{};
};

Failures read_failures(const Plan& plan, const std::string& checkpoint);
/// The last attempt, if it failed.
std::optional<Failure> read_failure(const Plan& plan, const std::string& checkpoint);

/// Adds an attempt. The oldest one becomes a leftover when there are too many.
void write_failure(const Plan& plan, const std::string& checkpoint, const Failure& failure);
/// Removes leftovers from the store, but for those that are in use; one that has a tag is somebody's
/// own by now.
void remove_leftovers(engine::Engine& engine, const Plan& plan, const std::string& checkpoint);
/// An attempt went well.
void end_failures(const Plan& plan, const std::string& checkpoint);

}  // namespace mstage::pipeline
