#include "cli/file_text.hpp"

#include "base/text.hpp"

namespace mstage::cli {

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

std::string on_one_line(const std::string& text) {
    std::string line;
    for (const char c : escape_control(text)) {
        line += c == '\n' ? std::string("\\x0a") : std::string(1, c);
    }
    return line;
}

std::string attributes_text(const engine::FileInfo& file) {
    return fmt::format("{}{:04o} {:>5}:{:<5} {:>10}", file.type, file.mode, file.uid, file.gid,
                       file.size);
}

}  // namespace mstage::cli
