#include "engine/local/container/layer_directory.hpp"

#include "base/text.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

fs::path make_layer_directory(const fs::path& path) {
    fs::create_directory(path);
    fs::permissions(path, fs::perms(0755));
    return path;
}

archive::Options archive_options(const sandbox::IdMap& ids) {
    return {.keep_owners = ids.mode != sandbox::IdMode::single};
}

std::vector<std::string> left_out(const archive::Imported& imported) {
    std::vector<std::string> warnings;
    for (const std::string& skipped : imported.skipped) {
        if (!skipped.starts_with("device 'dev/")) {
            warnings.push_back("left out: " + escape_control(skipped));
        }
    }
    return warnings;
}

}  // namespace mstage::engine
