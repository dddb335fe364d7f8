#include "pipeline/status.hpp"

#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/verbs.hpp"

namespace mstage::cli {

namespace {

Json to_json(const pipeline::CheckpointStatus& status) {
    return {
        {"pipeline", status.pipeline},
        {"config", status.config ? Json(*status.config) : Json()},
        {"checkpoint", status.checkpoint},
        {"from", status.from.empty() ? Json() : Json(status.from)},
        {"state", to_string(status.state)},
        {"image", status.image ? Json(status.image->id.str()) : Json()},
        {"created", status.image ? Json(format_time(status.image->created)) : Json()},
        {"size_bytes", status.image ? Json(status.size) : Json()},
        {"failed_state", json_or_null(status.failed_state)},
    };
}

std::string to_line(const pipeline::CheckpointStatus& status, size_t width) {
    std::string line =
        fmt::format("{:<{}}  {:<8}", status.full_name, width, to_string(status.state));
    if (status.image) {
        const auto age = std::chrono::system_clock::now() - status.image->created;
        line += fmt::format("  {}  {} ago, {}", status.image->id.str(), human_duration(age),
                            human_size(status.size));
    } else if (status.failed_state) {
        line += fmt::format("  {}  left by the failure", status.failed_state->str());
    }
    return line;
}

}  // namespace

int run_status(const Arguments& arguments) {
    VerbParser parser("status");
    bool json = false;
    parser.footer("A size is that of all layers of the image; images share layers.");
    parser.flag("--json", json, "Print JSON");
    if (!parser.read(arguments)) {
        return k_good;
    }
    const Workplace place(parser.common);
    const auto statuses = pipeline::status_of(*place.engine, place.build_tree());
    if (json) {
        Json list = Json::array();
        for (const auto& status : statuses) {
            list.push_back(to_json(status));
        }
        print_line(dump_json(
            {{"build_dir", place.tree->directory().native()}, {"checkpoints", std::move(list)}}));
        return k_good;
    }
    size_t width = 0;
    for (const auto& status : statuses) {
        width = std::max(width, status.full_name.size());
    }
    for (const auto& status : statuses) {
        print_line(to_line(status, width));
    }
    return k_good;
}

}  // namespace mstage::cli
