#pragma once

#include <optional>
#include <string>
#include <vector>

#include "source/entry.hpp"

namespace mstage::source {

/// What became of one source file, in the words of a person.
struct InputChange {
    enum class Kind {
        added,
        removed,
        renamed,  ///< the same content under another name
        changed,  ///< its content; its mode too, maybe
        mode,     ///< nothing but its mode
        target,   ///< of a symbolic link
        type,     ///< it was a directory, say, and is a file
    };
    Kind kind;
    std::optional<Entry> before{};  ///< nothing when added
    std::optional<Entry> after{};   ///< nothing when removed

    const std::string& path() const { return (after ? after : before)->path; }
};
const char* to_string(InputChange::Kind kind);

/// Between two sorted lists, in the order of paths (of a renamed file the new one). Directories that
/// came or went with files in them are not told of.
std::vector<InputChange> input_changes(const std::vector<Entry>& before,
                                       const std::vector<Entry>& after);

}  // namespace mstage::source
