#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/file_text.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

namespace {

std::string to_line(const engine::FileInfo& file) {
    std::string line = fmt::format("{} {} {}", attributes_text(file),
                                   format_time(file.mtime).substr(0, 19), on_one_line(file.path));
    if (file.type == 'l') {
        line += " -> " + on_one_line(file.target);
    }
    return line;
}

}  // namespace

int run_ls(const Arguments& arguments) {
    VerbParser parser("ls");
    std::string where;
    bool recursive = false;
    bool json = false;
    parser.argument("IMAGE[:PATH]", where, "The image, and an absolute path in it",
                    VerbParser::Needed::yes);
    parser.flag("-R,--recursive", recursive, "Go all the way down");
    parser.flag("--json", json, "Print JSON");
    if (!parser.read(arguments)) {
        return k_good;
    }
    const Workplace place(parser.common);
    const ImagePath target = parse_image_path(where);
    const std::vector<engine::FileInfo> files =
        place.engine->list(place.image(target.image), target.path, recursive);
    std::string text;
    Json list = Json::array();
    for (const engine::FileInfo& file : files) {
        if (json) {
            list.push_back(to_json(file));
        } else {
            text += to_line(file) + "\n";
        }
    }
    print(json ? dump_json({{"files", std::move(list)}}) + "\n" : text);
    return k_good;
}

}  // namespace mstage::cli
