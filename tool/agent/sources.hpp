#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/settings.hpp"
#include "base/json.hpp"

/// Files of this machine for runs. What is taken is kept: its id means the same in another server,
/// and later.
namespace mstage::agent {

struct SourceSpec {
    std::string source;  ///< a directory, a file, or a pattern with * and ?
    std::string destination;
    std::vector<std::string> exclude;
};

/// The answer of the tool rsync. The id is made from the destination and the digest of the files.
Json take_source(const Settings& settings, engine::Engine& engine, const SourceSpec& spec);

/// Lays the source files of that id over the run's image. Throws when it is unknown.
void add_source(const Settings& settings, std::uint64_t id, engine::RunRequest& request);

/// The answer of the tool upload. The uuid is made from the content.
Json take_file(const Settings& settings, const std::string& content);

/// Lays an uploaded file over the run's image. Throws when it is unknown.
void add_file(const Settings& settings, const std::string& uuid, const std::string& destination,
              engine::RunRequest& request);

}  // namespace mstage::agent
