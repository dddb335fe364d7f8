#pragma once

#include <string>
#include <vector>

namespace mstage::pipeline {

/// Where the value of a secret comes from when a command is about to run. Written as ID=SOURCE, where
/// SOURCE is
///
///     env:NAME    the environment variable NAME
///     file:PATH   the file PATH
///     NAME        the same as env:NAME
///     PATH        the same as file:PATH, for one with a '/' in it or a '.' at its beginning
struct SecretSource {
    enum class Kind { variable, file };

    std::string id;
    Kind kind = Kind::variable;
    std::string name;  ///< of the variable, or path of the file

    bool operator==(const SecretSource&) const = default;
};

/// Throws UsageError.
SecretSource parse_secret(const std::string& text);
/// The secrets of one run, of which no two may have the same id, sorted by id.
std::vector<SecretSource> parse_secrets(const std::vector<std::string>& texts);
/// "environment variable 'TOKEN'", "file '/x'".
std::string describe(const SecretSource& source);

}  // namespace mstage::pipeline
