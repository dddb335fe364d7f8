#include "pipeline/compile_commands.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "cli/build_tool_options.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

namespace {

std::string content_of(const Workplace& place, const ImagePath& source) {
    const Fd file(::memfd_create("mstage-file", MFD_CLOEXEC));
    place.engine->write_file_to(place.image(source.image), source.path, file.get());
    ::lseek(file.get(), 0, SEEK_SET);
    return read_all(file.get());
}

}  // namespace

int run_compile_commands(const Arguments& arguments) {
    VerbParser parser("compile-commands");
    std::string source_text;
    std::string destination;
    std::vector<std::string> mapping_texts;
    BuildToolOptions options;
    parser.argument("IMAGE:PATH", source_text, "The compile_commands.json of an image",
                    VerbParser::Needed::yes);
    parser.argument("FILE", destination, "Where to write it (default: stdout)",
                    VerbParser::Needed::no);
    parser.options("--map", "FROM=TO", mapping_texts,
                   "What the image's directory FROM is called on this machine");
    options.declare(parser);
    if (!parser.read(arguments)) {
        return k_good;
    }
    std::vector<pipeline::PathMapping> mappings;
    mappings.reserve(mapping_texts.size());
    for (const std::string& text : mapping_texts) {
        mappings.push_back(pipeline::parse_path_mapping(text));
    }
    const ImagePath source = parse_image_path(source_text);
    const Workplace place(parser.common);
    const Json mapped = with_context(fmt::format("'{}'", source_text), [&] {
        return pipeline::map_compile_commands(
            parse_json_value(content_of(place, source), "content"), mappings);
    });
    if (destination.empty()) {
        print_line(dump_json_indented(mapped));
        return k_good;
    }
    make_directories(std::filesystem::absolute(destination).parent_path());
    write_file_if_changed(destination, dump_json_indented(mapped));
    options.tell({destination});
    return k_good;
}

}  // namespace mstage::cli
