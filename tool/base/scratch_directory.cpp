#include "base/scratch_directory.hpp"

#include "base/error.hpp"
#include "base/file.hpp"

namespace mstage {

ScratchDirectory::ScratchDirectory()
    : m_path(make_temporary_directory(std::filesystem::temp_directory_path(), "mstage-")) {}

ScratchDirectory::~ScratchDirectory() {
    try {
        remove_tree(m_path);
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): it is in a place for such leftovers
    }
}

}  // namespace mstage
