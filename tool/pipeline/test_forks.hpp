#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/uuid.hpp"
#include "engine/engine.hpp"

namespace mstage::pipeline {

/// One of several runs of the same test, each on its own copy of the same image.
struct TestFork {
    size_t number = 0;  ///< from 1
    /// Nothing when the command could not be run; `breakdown` says why.
    std::optional<engine::RunResult> result{};
    std::string breakdown{};

    bool ok() const { return result && result->ok(); }
};

/// How it ended, for people: "exit code 3", "time-out", "signal 11 (Segmentation fault)", "not run",
/// "secret 'token' in cache 'npm'".
std::string describe_end(const TestFork& fork);

/// Calls `run` `count` times, each in a process of its own, at most `at_once` at the same time, and
/// waits for all of them, however they end. They die with this process. A signal that ends us
/// (EndSignals) ends them first, and is thrown as Interrupted. Throws engine::Unavailable when one
/// of them does: then all would.
///
/// For a process with one thread: what `run` finds is a copy of it. It opens what it needs itself,
/// for locks of the caller's would be shared.
std::vector<TestFork> run_forks(size_t count, size_t at_once,
                                const std::function<engine::RunResult()>& run);

}  // namespace mstage::pipeline
