#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/diff_text.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

int run_diff(const Arguments& arguments) {
    VerbParser parser("diff");
    DiffNames names;
    engine::DiffRequest request;
    bool content = false;
    bool full = false;
    bool json = false;
    const engine::TextLimits limits;
    parser.footer(fmt::format(
        "Lines start with '+' (added), '~' (changed) or '-' (removed). The text of {} files is\n"
        "shown (with --full: of all), and of none that is binary or larger than {}.",
        limits.files, human_size(limits.bytes)));
    parser.argument("BEFORE", names.before, "An image", VerbParser::Needed::yes);
    parser.argument("AFTER", names.after, "Another image", VerbParser::Needed::yes);
    parser.argument("PATH", request.path, "Only this place in them, with all that is in it",
                    VerbParser::Needed::no);
    parser.flag("--full", full, "Every file, with type, mode, owner and size");
    parser.flag("--content", content, "Also how the text of files differs");
    parser.flag("--times", request.times, "Another time alone is a difference too");
    parser.flag("--json", json, "Print JSON, in full");
    if (!parser.read(arguments)) {
        return k_good;
    }
    if (!request.path.starts_with('/')) {
        throw UsageError("'{}' is no absolute path in an image", request.path);
    }
    const Workplace place(parser.common);
    const engine::Image before = place.image(names.before);
    const engine::Image after = place.image(names.after);
    if (content) {
        request.text = limits;
        if (full) {
            request.text->files = SIZE_MAX;
        }
    }
    const std::vector<engine::FileChange> changes = place.engine->diff(before, after, request);
    if (json) {
        Json document = diff_json(changes);
        document["before"] = before.id.str();
        document["after"] = after.id.str();
        document["path"] = request.path;
        print_line(dump_json(document));
        return k_good;
    }
    print(diff_text(changes, full ? Length::full : Length::summary));
    print(content_text(changes, names));
    return k_good;
}

}  // namespace mstage::cli
