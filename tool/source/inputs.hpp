#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/entry.hpp"

namespace mstage::source {

/// The entries of `tree` that a stage declares: all when there are no patterns, else those that the
/// patterns (ignore.hpp) match. A pattern that matches a directory takes all below it too, '!'
/// takes out again, the last pattern that matches an entry or a directory that it is in decides.
/// Directories on the way to what is taken are there; others are not. `unmatched` (may be null)
/// gets the patterns without '!' that match nothing at all.
std::vector<Entry> select(const std::vector<Entry>& tree,
                          const std::optional<std::vector<std::string>>& patterns,
                          std::vector<std::string>* unmatched);

/// Also chooses the directories that the chosen of these sorted entries are in.
void choose_parents(const std::vector<Entry>& entries, std::vector<bool>& chosen);

/// A stage's inputs. The digest says all that the stage can see of them: working directory, and of
/// each entry path, type, mode and hash. Equal digests, equal inputs.
struct Inputs {
    std::string digest;
    std::vector<Entry> entries;
};

std::string digest(std::string_view workdir, const std::vector<Entry>& entries);
Inputs make_inputs(std::string_view workdir, std::vector<Entry> entries);

struct Difference {
    enum class Kind { added, removed, modified, retyped } kind;
    const Entry* before;  ///< null when added
    const Entry* after;   ///< null when removed
};

/// What tells two sorted lists apart, in the order of paths. The pointers lead into the lists.
std::vector<Difference> differences(const std::vector<Entry>& before,
                                    const std::vector<Entry>& after);

/// The file `<stage>.inputs`, text:
///
///     mstage-inputs 1
///     <digest>
///     <type> <mode, four octal digits> <hash or '-'> <path>     one per entry, sorted by path
///
/// In paths, backslash is "\\" and newline "\n"; other bytes are as they are. Another first line is
/// another format. The file is left alone (mtime and all, Ninja watches it) when it says the same
/// already; true when it was written.
bool write_inputs(const std::filesystem::path& path, const Inputs& inputs);
/// Nothing when the file is missing or not whole.
std::optional<Inputs> read_inputs(const std::filesystem::path& path);
/// The same without reading the entries.
std::optional<std::string> read_inputs_digest(const std::filesystem::path& path);

}  // namespace mstage::source
