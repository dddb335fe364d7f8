#include "pipeline/history.hpp"

#include <algorithm>
#include <map>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"
#include "pipeline/checkpoint.hpp"
#include "pipeline/pins.hpp"
#include "pipeline/tree_change.hpp"

namespace mstage::cli {

namespace {

using pipeline::HistoryEntry;
using pipeline::Plan;

/// An entry, and which generation of its checkpoint it tells of: 0 is the present one.
struct Line {
    const Plan* plan;
    HistoryEntry entry;
    std::optional<size_t> generation{};
    bool present = false;  ///< and that is what the marker says
};

/// Numbers the generations of one checkpoint, whose entries are in the order of time.
void number(const Plan& plan, std::vector<Line>& lines) {
    std::map<std::string, std::optional<engine::ImageId>> last;
    std::map<std::string, size_t> count;
    for (Line& line : lines) {
        const std::string& name = line.entry.checkpoint;
        if (pipeline::makes_generation(line.entry)) {
            count[name] += last[name] == line.entry.image ? 0 : 1;
            last[name] = line.entry.image;
            line.generation = count[name];
        }
    }
    std::map<std::string, std::optional<pipeline::Checkpoint>> markers;
    for (auto& [name, image] : last) {
        markers[name] = pipeline::read_checkpoint(plan, name);
        // What the history does not know of is one more, the present one; and without a present one
        // the last that was is the one before.
        count[name] += !markers[name] || markers[name]->image != image ? 1 : 0;
    }
    for (Line& line : lines) {
        if (line.generation) {
            const std::string& name = line.entry.checkpoint;
            line.generation = count[name] - *line.generation;
            line.present = *line.generation == 0 && markers[name];
        }
    }
}

std::vector<Line> lines_of(const Plan& plan, const std::optional<std::string>& checkpoint) {
    std::vector<Line> lines;
    for (HistoryEntry& entry : pipeline::read_history(plan)) {
        if (!checkpoint || entry.checkpoint == *checkpoint) {
            lines.push_back({&plan, std::move(entry)});
        }
    }
    number(plan, lines);
    return lines;
}

std::string name_of(const Line& line) {
    if (line.present) {
        return "now";
    }
    return line.generation.value_or(0) == 0 ? "" : fmt::format("@-{}", *line.generation);
}

std::string to_line(const Line& line, size_t width, bool pinned) {
    constexpr size_t k_short_id = 8;
    const HistoryEntry& entry = line.entry;
    const std::string image = entry.image ? entry.image->str().substr(0, k_short_id) : "-";
    std::string duration;
    if (entry.duration_s) {
        const std::chrono::duration<double> seconds(*entry.duration_s);
        duration =
            "  " + human_duration(std::chrono::duration_cast<std::chrono::nanoseconds>(seconds));
    }
    const auto age = std::chrono::system_clock::now() - entry.time;
    return fmt::format("{:<{}}  {:<4}  {:<11}  {:<8}  {:>8} ago{}{}",
                       line.plan->full_name(entry.checkpoint), width, name_of(line), to_word(entry),
                       image, human_duration(age), duration, pinned ? "  pinned" : "");
}

bool is_pinned_now(const Line& line) {
    return line.present && pipeline::read_pin(*line.plan, line.entry.checkpoint).has_value();
}

Json to_json(const Line& line) {
    Json json = pipeline::to_json(line.entry);
    json["pipeline"] = line.plan->pipeline;
    json["config"] = json_or_null(line.plan->config);
    json["generation"] = json_or_null(line.generation);
    json["present"] = line.present;
    return json;
}

}  // namespace

int run_history(const Arguments& arguments) {
    VerbParser parser("history");
    std::string checkpoint;
    bool json = false;
    parser.argument("CHECKPOINT", checkpoint, "Only what became of this one",
                    VerbParser::Needed::no);
    parser.flag("--json", json, "Print JSON");
    parser.footer(
        "The newest comes last. '@-1' is what the checkpoint was before what it is now:\n"
        "CHECKPOINT@-1 is an image, and 'mstage rollback CHECKPOINT --to @-1' goes back to it.");
    if (!parser.read(arguments)) {
        return k_good;
    }
    const Workplace place(parser.common);
    const pipeline::BuildTree& tree = place.build_tree();
    pipeline::finish_change(tree.plans().front().build_dir);
    std::vector<Line> lines;
    if (!checkpoint.empty()) {
        const auto name = pipeline::get_checkpoint_name(tree, checkpoint);
        lines = lines_of(*name.plan, name.checkpoint);
    } else {
        for (const Plan& plan : tree.plans()) {
            for (Line& line : lines_of(plan, std::nullopt)) {
                lines.push_back(std::move(line));
            }
        }
        std::ranges::stable_sort(lines, {}, [](const Line& line) { return line.entry.time; });
    }
    if (json) {
        Json list = Json::array();
        for (const Line& line : lines) {
            list.push_back(to_json(line));
        }
        print_line(
            dump_json({{"build_dir", tree.directory().native()}, {"history", std::move(list)}}));
        return k_good;
    }
    size_t width = 0;
    for (const Line& line : lines) {
        width = std::max(width, line.plan->full_name(line.entry.checkpoint).size());
    }
    for (const Line& line : lines) {
        print_line(to_line(line, width, is_pinned_now(line)));
    }
    return k_good;
}

}  // namespace mstage::cli
