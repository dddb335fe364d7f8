#include "cli/build_tool_options.hpp"

#include "base/file.hpp"
#include "base/text.hpp"
#include "pipeline/deliveries.hpp"

namespace mstage::cli {

void BuildToolOptions::declare(VerbParser& parser) {
    parser.group("For build tools");
    parser.option("--stamp", "FILE", stamp, "Write this file at the end; remove old copies");
    parser.option("--depfile", "FILE", depfile, "Write the names of the copies there");
    parser.option("--depfile-target", "OUTPUT", depfile_target,
                  "The output that the depfile is for");
    parser.needs("--depfile", "--depfile-target");
}

void BuildToolOptions::tell(const std::vector<std::filesystem::path>& written) const {
    if (!depfile.empty()) {
        std::string text = escape_depfile_path(depfile_target).value_or("") + ":";
        for (const auto& file : written) {
            // One that cannot be written there isn't watched: better than to copy in every build.
            if (const auto escaped =
                    escape_depfile_path(std::filesystem::absolute(file).native())) {
                text += " \\\n  " + *escaped;
            }
        }
        write_file_if_changed(depfile, text + "\n");
    }
    if (!stamp.empty()) {
        pipeline::record_deliveries(stamp, written);
    }
}

}  // namespace mstage::cli
