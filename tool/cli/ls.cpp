#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

namespace {

Json to_json(const engine::FileInfo& file) {
    return {
        {"path", file.path},
        {"type", std::string(1, file.type)},
        {"mode", fmt::format("{:04o}", file.mode)},
        {"uid", file.uid},
        {"gid", file.gid},
        {"size", file.size},
        {"mtime", format_time(file.mtime)},
        {"target", file.type == 'l' ? Json(file.target) : Json()},
    };
}

/// A name can hold line ends too, and would look like several files.
std::string on_one_line(const std::string& text) {
    std::string line;
    for (const char c : escape_control(text)) {
        line += c == '\n' ? std::string("\\x0a") : std::string(1, c);
    }
    return line;
}

std::string to_line(const engine::FileInfo& file) {
    std::string line =
        fmt::format("{}{:04o} {:>5}:{:<5} {:>10} {} {}", file.type, file.mode, file.uid, file.gid,
                    file.size, format_time(file.mtime).substr(0, 19), on_one_line(file.path));
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
