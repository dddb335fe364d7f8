#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "cli/command_line.hpp"

namespace mstage::cli {

/// What a build tool needs to know about files that were copied for it: when that was, and what the
/// copy depends on.
struct BuildToolOptions {
    std::string stamp;
    std::string depfile;
    std::string depfile_target;

    void declare(VerbParser& parser);
    /// Writes the files that were asked for. The copies are in the dependency file: when one is
    /// deleted, the build tool copies again. They are also in the stamp: what it had last time, and
    /// what is no longer copied, is removed, if nobody has changed it since.
    void tell(const std::vector<std::filesystem::path>& written) const;
};

}  // namespace mstage::cli
