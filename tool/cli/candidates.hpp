#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mstage::cli {

struct Candidate {
    std::string word;
    std::string help;
};

/// What may stand where the cursor is.
struct Candidates {
    std::vector<Candidate> words;
    /// The shell completes names of files itself: behind the first `prefix` characters of the word.
    enum class Files { none, directories, all };
    Files files = Files::none;
    size_t prefix = 0;
};

/// What goes on with `text`, the beginning of a value that help calls `kind` ("IMAGE:PATH", "DIR"),
/// for somebody who stands in `directory` and has typed the arguments `before` it. Makes no store;
/// throws when something cannot be read.
Candidates candidates_for(const std::string& kind, const std::string& text,
                          const std::filesystem::path& directory,
                          const std::vector<std::string>& before = {});

}  // namespace mstage::cli
