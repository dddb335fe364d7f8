#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mstage::pipeline {

/// A directory of an image and what it is called on this machine, or the other way round; both
/// absolute, without a '/' at the end.
struct PathMapping {
    std::string from;
    std::string to;
};

/// "FROM=TO". Throws UsageError unless both are absolute and FROM is not "/".
PathMapping parse_path_mapping(const std::string& text);

/// Gives paths their other names. Of mappings that fit the one with the longest `from` counts.
class PathMapper {
public:
    explicit PathMapper(std::vector<PathMapping> mappings);

    /// A word of a command line. A path may be the word, follow an option of compilers such as -I,
    /// or stand behind '=', ',', ':', '@' or a quote. Other paths, also those that only start with
    /// the same letters, stay.
    std::string word(std::string_view text) const;
    /// Nothing when it is not below any of them.
    std::optional<std::string> directory(std::string_view path) const;

private:
    const PathMapping* find(std::string_view text) const;

    std::vector<PathMapping> m_mappings;
};

}  // namespace mstage::pipeline
