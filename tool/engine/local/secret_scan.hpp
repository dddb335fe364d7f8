#pragma once

#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/secret_patterns.hpp"

namespace mstage::engine {

/// A tree to look for secrets in.
struct ScannedTree {
    std::filesystem::path directory;
    std::string name;  ///< what its paths begin with: "", "/usr"
    /// Only what was changed since then; nothing: all of it.
    std::optional<time_t> since{};
};

struct FoundSecret {
    size_t secret = 0;  ///< its number in the patterns
    std::string path;   ///< as the command calls it, with what is secret in it redacted
};

/// The files and directories of the tree with a secret in their content, name, link target or
/// extended attributes; not more than `most` of them. What is in a directory with a secret in its name
/// is not looked at. To be called by who may read all of it; links are not followed.
std::vector<FoundSecret> find_secrets(const SecretPatterns& patterns, const ScannedTree& tree,
                                      size_t most);

}  // namespace mstage::engine
