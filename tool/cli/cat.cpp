#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"

#include <unistd.h>

namespace mstage::cli {

int run_cat(const Arguments& arguments) {
    VerbParser parser("cat");
    std::vector<std::string> places;
    parser.arguments("IMAGE:PATH", places, "Regular files of images, byte for byte",
                     VerbParser::Needed::yes);
    if (!parser.read(arguments)) {
        return k_good;
    }
    const Workplace place(parser.common);
    for (const std::string& text : places) {
        const ImagePath source = parse_image_path(text);
        const engine::Image image = place.image(source.image);
        try {
            place.engine->write_file_to(image, source.path, STDOUT_FILENO);
        } catch (const Error&) {
            // Another process wrote, whose errors are only texts here.
            if (is_output_closed()) {
                throw OutputClosed();
            }
            throw;
        }
    }
    return k_good;
}

}  // namespace mstage::cli
