#include "pipeline/status.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/status_text.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

namespace {

using pipeline::CheckpointStatus;

Json seconds_or_null(const std::optional<std::chrono::nanoseconds>& duration) {
    return duration ? Json(std::chrono::duration<double>(*duration).count()) : Json();
}

Json time_or_null(const std::optional<TimePoint>& time) {
    return time ? Json(format_time(*time)) : Json();
}

Json to_json(const pipeline::FailedAttempt& failure) {
    return {{"image", failure.state.str()},
            {"time", time_or_null(failure.time)},
            {"duration_s", seconds_or_null(failure.duration)}};
}

Json to_json(const pipeline::RunningStage& running) {
    return {{"started", format_time(running.started)},
            {"expected_s", seconds_or_null(running.expected)},
            {"run", json_or_null(running.run)},
            {"log", running.log.empty() ? Json() : Json(running.log.native())}};
}

Json to_json(const CheckpointStatus& status) {
    return {
        {"pipeline", status.pipeline},
        {"config", json_or_null(status.config)},
        {"checkpoint", status.checkpoint},
        {"from", status.from.empty() ? Json() : Json(status.from)},
        {"copies_from", status.copies_from},
        {"state", to_word(status.state)},
        {"next", to_string(status.next)},
        {"image", status.image ? Json(status.image->id.str()) : Json()},
        {"created", status.image ? Json(format_time(status.image->created)) : Json()},
        {"size_bytes", status.image ? Json(status.size) : Json()},
        {"duration_s", seconds_or_null(status.duration)},
        {"pinned_since", time_or_null(status.pinned_since)},
        {"failed", status.failure ? to_json(*status.failure) : Json()},
        {"end",
         status.state == pipeline::CheckpointState::failed ? Json(to_string(status.end)) : Json()},
        {"running", status.running ? to_json(*status.running) : Json()},
    };
}

}  // namespace

int run_status(const Arguments& arguments) {
    VerbParser parser("status");
    bool json = false;
    parser.footer(
        "A checkpoint is current or restored (its image was in the "
        "store) when the next build leaves\n"
        "it alone, and out of date when that makes it again, by what "
        "the source is now. A size is\n"
        "that of all layers of the image; images share layers. The "
        "time at the end is what the run\n"
        "took that made it.");
    parser.flag("--json", json, "Print JSON");
    if (!parser.read(arguments)) {
        return k_good;
    }
    const Workplace place(parser.common);
    const pipeline::BuildTree& tree = place.build_tree();
    const auto statuses = pipeline::status_of(*place.engine, tree);
    if (json) {
        Json list = Json::array();
        for (const auto& status : statuses) {
            list.push_back(to_json(status));
        }
        print_line(dump_json(
            {{"build_dir", tree.directory().native()}, {"checkpoints", std::move(list)}}));
        return k_good;
    }
    print(status_text(statuses, own_command(tree)));
    return k_good;
}

}  // namespace mstage::cli
