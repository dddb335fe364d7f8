#include "base/error.hpp"
#include "cli/build_tool_options.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"
#include "pipeline/deliveries.hpp"

namespace mstage::cli {

int run_cp(const Arguments& arguments) {
    VerbParser parser("cp");
    std::vector<std::string> words;
    BuildToolOptions options;
    parser.arguments("IMAGE:PATH DESTINATION", words,
                     "Files or directories of images (with *, ? and []), and where they go",
                     VerbParser::Needed::yes);
    options.declare(parser);
    if (!parser.read(arguments)) {
        return k_good;
    }
    if (words.size() < 2) {
        throw with_hint(UsageError("mstage cp needs IMAGE:PATH and a destination"),
                        "mstage cp --help");
    }
    if (words.back() == "-") {
        throw with_hint(UsageError("mstage cp writes to files, not to standard output"),
                        "for that: mstage cat IMAGE:PATH; for a file of that name: ./-");
    }
    const Workplace place(parser.common);
    const std::filesystem::path destination = words.back();
    words.pop_back();
    std::map<std::string, std::vector<std::string>> patterns_by_image;
    for (const std::string& word : words) {
        const ImagePath source = parse_image_path(word);
        patterns_by_image[source.image].push_back(source.path);
    }
    const bool is_for_build = !options.stamp.empty() && place.tree;
    const engine::CopyGuard guard =
        is_for_build ? pipeline::keep_build_system(place.tree->directory()) : engine::CopyGuard();
    std::vector<std::filesystem::path> written;
    for (const auto& [image, patterns] : patterns_by_image) {
        // Several sources want a directory, also when each image gives one.
        const bool several = patterns_by_image.size() > 1;
        const auto files = place.engine->copy_out(place.image(image), patterns,
                                                  several ? destination / "" : destination,
                                                  engine::NoMatch::error, guard);
        written.insert(written.end(), files.begin(), files.end());
    }
    if (!options.stamp.empty()) {
        pipeline::refuse_links_out(destination, written);
    }
    options.tell(written);
    return k_good;
}

}  // namespace mstage::cli
