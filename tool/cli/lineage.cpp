#include "pipeline/lineage.hpp"

#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/file_text.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

namespace {

using pipeline::Descendant;
using pipeline::LineageEntry;

Json to_json(const LineageEntry& entry) {
    const engine::Image& image = entry.image;
    return {
        {"id", image.id.str()},
        {"names", entry.names},
        {"parent", json_or_null(image.parent)},
        {"state", image.state == engine::ImageState::failed ? "failed" : "good"},
        {"origin", image.origin},
        {"command", image.command},
        {"run", json_or_null(image.run)},
        {"key", json_or_null(image.key)},
        {"created", format_time(image.created)},
        {"layers", image.layers.size()},
        {"own_size_bytes", entry.own_size},
    };
}

Json to_json(const Descendant& descendant) {
    Json json = to_json(descendant.entry);
    json["children"] = Json::array();
    for (const Descendant& child : descendant.children) {
        json["children"].push_back(to_json(child));
    }
    return json;
}

/// What to see of a command that may be a script.
std::string first_line(const std::string& command) {
    const size_t end = command.find('\n');
    return on_one_line(command.substr(0, end)) + (end == std::string::npos ? "" : " …");
}

/// A line, and one more with the command where there is one. `first` stands before the one, `next`
/// before the other.
std::string to_text(const LineageEntry& entry, const std::string& first, const std::string& next) {
    const engine::Image& image = entry.image;
    const auto age = std::chrono::system_clock::now() - image.created;
    std::string text =
        fmt::format("{}{}  {:>8} ago  {:>9}  {}{}", first, image.id.str(), human_duration(age),
                    human_size(entry.own_size), on_one_line(image.origin),
                    image.state == engine::ImageState::failed ? " (failed state)" : "");
    for (size_t i = 0; i < entry.names.size(); ++i) {
        text += (i == 0 ? "  " : ", ") + entry.names[i];
    }
    text += "\n";
    if (!image.command.empty()) {
        text += fmt::format("{}    $ {}\n", next, first_line(image.command));
    }
    return text;
}

std::string to_text(const Descendant& descendant, const std::string& first,
                    const std::string& next) {
    std::string text = to_text(descendant.entry, first, next);
    for (size_t i = 0; i < descendant.children.size(); ++i) {
        const bool is_last = i + 1 == descendant.children.size();
        text += to_text(descendant.children[i], next + (is_last ? "└─ " : "├─ "),
                        next + (is_last ? "   " : "│  "));
    }
    return text;
}

}  // namespace

int run_lineage(const Arguments& arguments) {
    VerbParser parser("lineage");
    std::string reference;
    bool children = false;
    bool json = false;
    parser.footer("A size is that of the image's own layers: those that its parent does not have.");
    parser.argument("IMAGE", reference, "An image", VerbParser::Needed::yes);
    parser.flag("--children", children, "What was made from it, as a tree");
    parser.flag("--json", json, "Print JSON");
    if (!parser.read(arguments)) {
        return k_good;
    }
    const Workplace place(parser.common);
    const engine::Image image = place.image(reference);
    if (children) {
        const Descendant tree = pipeline::descendants_of(*place.engine, place.tree, image);
        print(json ? dump_json(to_json(tree)) + "\n" : to_text(tree, "", ""));
        return k_good;
    }
    const pipeline::Lineage lineage = pipeline::lineage_of(*place.engine, place.tree, image);
    if (json) {
        Json chain = Json::array();
        for (const LineageEntry& entry : lineage.chain) {
            chain.push_back(to_json(entry));
        }
        print_line(dump_json({{"lost", json_or_null(lineage.lost)}, {"chain", std::move(chain)}}));
        return k_good;
    }
    if (lineage.lost) {
        print_line(lineage.lost->str() + "  is not in the store any more");
    }
    for (const LineageEntry& entry : lineage.chain) {
        print(to_text(entry, "", ""));
    }
    return k_good;
}

}  // namespace mstage::cli
