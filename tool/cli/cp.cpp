#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

namespace {

/// What a build tool needs to know about a copy: a file that says when it was made, and on what the
/// copy depends.
struct BuildToolOptions {
    std::string stamp;
    std::string depfile;
    std::string depfile_target;
};

/// The delivered files are in the dependency file: when one is deleted, the build tool copies
/// again.
void tell_build_tool(const BuildToolOptions& options,
                     const std::vector<std::filesystem::path>& written) {
    if (!options.depfile.empty()) {
        std::string text = escape_depfile_path(options.depfile_target).value_or("") + ":";
        for (const auto& file : written) {
            // One that cannot be written there isn't watched: better than to copy in every build.
            if (const auto escaped =
                    escape_depfile_path(std::filesystem::absolute(file).native())) {
                text += " \\\n  " + *escaped;
            }
        }
        write_file_if_changed(options.depfile, text + "\n");
    }
    if (!options.stamp.empty()) {
        write_file_atomically(options.stamp, "");
    }
}

}  // namespace

int run_cp(const Arguments& arguments) {
    VerbParser parser("cp");
    std::vector<std::string> words;
    BuildToolOptions options;
    parser.arguments("IMAGE:PATH DESTINATION", words,
                     "Files or directories of images (with *, ? and []), and where they go",
                     VerbParser::Needed::yes);
    parser.group("For build tools");
    parser.option("--stamp", "FILE", options.stamp, "Write this file when all is copied");
    parser.option("--depfile", "FILE", options.depfile, "Write the names of the copies there");
    parser.option("--depfile-target", "OUTPUT", options.depfile_target,
                  "The output that the depfile is for");
    parser.needs("--depfile", "--depfile-target");
    if (!parser.read(arguments)) {
        return k_good;
    }
    if (words.size() < 2) {
        throw with_hint(UsageError("mstage cp needs IMAGE:PATH and a destination"),
                        "mstage cp --help");
    }
    const Workplace place(parser.common);
    const std::filesystem::path destination = words.back();
    words.pop_back();
    std::map<std::string, std::vector<std::string>> patterns_by_image;
    for (const std::string& word : words) {
        const ImagePath source = parse_image_path(word);
        patterns_by_image[source.image].push_back(source.path);
    }
    std::vector<std::filesystem::path> written;
    for (const auto& [image, patterns] : patterns_by_image) {
        // Several sources want a directory, also when each image gives one.
        const bool several = patterns_by_image.size() > 1;
        const auto files = place.engine->copy_out(place.image(image), patterns,
                                                  several ? destination / "" : destination);
        written.insert(written.end(), files.begin(), files.end());
    }
    tell_build_tool(options, written);
    return k_good;
}

}  // namespace mstage::cli
