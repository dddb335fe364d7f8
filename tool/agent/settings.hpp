#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/roots.hpp"
#include "engine/engine.hpp"
#include "pipeline/build_tree.hpp"

namespace mstage::agent {

/// A build tree, if any, and the engine that holds its images.
struct Place {
    std::optional<pipeline::BuildTree> tree;
    std::unique_ptr<engine::Engine> engine;
};

/// What the server was started with.
struct Settings {
    Roots roots;
    /// Whether runs may be based on this machine's own system, and look into it.
    bool allow_host = false;
    size_t jobs = 1;  ///< so many runs, imports and builds at the same time
    std::filesystem::path
        state_dir;  ///< what outlives the server: operations, files that were taken
    /// Opened anew by each process that needs it: locks are shared with children. `build_dir` is the
    /// build tree that is meant; nothing: that which the server stands in, if any.
    std::function<Place(const std::optional<std::filesystem::path>& build_dir)> open;
    std::map<std::string, std::string> proxies;
    std::map<std::string, std::filesystem::path> authorities;
    std::string helper;             ///< how a person calls this program
    std::filesystem::path program;  ///< its file
    std::string version;
};

}  // namespace mstage::agent
