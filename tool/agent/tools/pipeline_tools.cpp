// Pipelines of build trees. The verbs of the helper do it: what an agent is told is what a person
// would be.

#include <sys/mman.h>
#include <unistd.h>

#include "agent/fit.hpp"
#include "agent/guide.hpp"
#include "agent/output.hpp"
#include "agent/progress.hpp"
#include "agent/tools/arguments.hpp"
#include "agent/tools/tools.hpp"
#include "base/end_signals.hpp"
#include "base/error.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "pipeline/build_tree.hpp"
#include "pipeline/status.hpp"

namespace mstage::agent {

namespace {

/// What this program prints when it is called so. What it complains of is thrown.
std::string capture_own_verb(const std::vector<std::string>& argv) {
    const Fd errors(::memfd_create("stderr", MFD_CLOEXEC));
    try {
        return capture_output({.argv = argv, .package_hint = "", .stderr_fd = errors.get()});
    } catch (const Error&) {
        constexpr std::string_view k_prefix = "mstage: error: ";
        ::lseek(errors.get(), 0, SEEK_SET);
        const std::string text = read_all(errors.get());
        if (!text.starts_with(k_prefix)) {
            throw;
        }
        const size_t end = text.find("\n  ");
        Error error("{}", text.substr(k_prefix.size(), end - k_prefix.size()));
        if (end != std::string::npos) {
            error.set_hint(text.substr(end + 3, text.find_last_not_of('\n') - end - 2));
        }
        throw error;
    }
}

/// Leaves out what is null, and what is for reports of a build's time.
void make_compact(Json& json) {
    if (json.is_object()) {
        for (auto member = json.begin(); member != json.end();) {
            const bool is_needless =
                member->is_null() || member.key() == "phases" || member.key() == "version";
            member = is_needless ? json.erase(member) : std::next(member);
        }
    }
    if (json.is_structured()) {
        for (Json& member : json) {
            make_compact(member);
        }
    }
}

/// A call of one of the helper's own verbs. Words of an agent are no options, whatever they begin
/// with.
struct VerbCall {
    std::string verb;
    std::vector<std::string> options{};
    std::vector<std::string> words{};
};

/// What the verb prints with --json, made compact.
Json ask_verb(const Settings& settings, const Place& place, const VerbCall& call) {
    std::vector<std::string> argv = {settings.program.native()};
    if (place.tree) {
        argv.insert(argv.end(), {"-C", place.tree->directory().native()});
    }
    if (!settings.config.empty()) {
        argv.insert(argv.end(), {"--config", settings.config});
    }
    argv.insert(argv.end(), {call.verb, "--json"});
    argv.insert(argv.end(), call.options.begin(), call.options.end());
    argv.emplace_back("--");
    argv.insert(argv.end(), call.words.begin(), call.words.end());
    Json answer = parse_json(capture_own_verb(argv), "the answer of mstage " + call.verb);
    make_compact(answer);
    return answer;
}

}  // namespace

Json get_guide(const Settings&, const Json& arguments) {
    const auto name = json_get<std::string>(arguments, "section");
    const GuideSection* section = find_guide_section(name);
    if (section == nullptr) {
        std::string known;
        for (const GuideSection& one : guide()) {
            known += (known.empty() ? "" : ", ") + one.name;
        }
        throw with_hint(Error("there is no section '{}' in the guide", name),
                        "there are: " + known);
    }
    Json answer = {{"section", section->name}, {"title", section->title}, {"text", section->text}};
    fit(answer);
    return answer;
}

Json pipeline_status(const Settings& settings, const Json& arguments) {
    Json answer = ask_verb(settings, open_build_tree(settings, arguments), {.verb = "status"});
    fit(answer);
    return answer;
}

Json why(const Settings& settings, const Json& arguments) {
    Json answer =
        ask_verb(settings, open_build_tree(settings, arguments),
                 {.verb = "why", .words = {json_get<std::string>(arguments, "checkpoint")}});
    fit(answer);
    return answer;
}

Json diff(const Settings& settings, const Json& arguments) {
    const Place place = open_place(settings, arguments);
    VerbCall call{.verb = "diff"};
    for (const char* name : {"before", "after"}) {
        call.words.push_back(get_image_argument(settings, place, arguments, name).id.str());
    }
    call.words.push_back(json_get<std::string>(arguments, "path"));
    if (json_get<bool>(arguments, "content")) {
        call.options.emplace_back("--content");
    }
    Json answer = ask_verb(settings, place, call);
    fit(answer);
    return answer;
}

Json history(const Settings& settings, const Json& arguments) {
    VerbCall call{.verb = "history"};
    if (const auto checkpoint = json_find<std::string>(arguments, "checkpoint")) {
        call.words.push_back(*checkpoint);
    }
    Json answer = ask_verb(settings, open_build_tree(settings, arguments), call);
    Json& entries = answer["history"];
    const size_t total = entries.size();
    const auto limit = json_find<size_t>(arguments, "limit");
    const auto keep_last = [&](size_t count) {
        if (entries.size() > count) {
            entries.erase(entries.begin(), entries.end() - static_cast<std::ptrdiff_t>(count));
            answer["truncated"] = {fmt::format("history: the last {} of {}", count, total)};
        }
    };
    keep_last(limit.value_or(SIZE_MAX));
    while (!limit && entries.size() > 1 && tool_result_size(answer) > k_compact_result) {
        keep_last(entries.size() * 3 / 4);
    }
    answer["total"] = total;
    return answer;
}

Json rollback(const Settings& settings, const Json& arguments) {
    VerbCall call{.verb = "rollback"};
    if (const auto checkpoint = json_find<std::string>(arguments, "checkpoint")) {
        call.words.push_back(*checkpoint);
    }
    if (const auto to = json_find<std::string>(arguments, "to")) {
        call.options.push_back("--to=" + *to);
    }
    for (const auto& [name, option] :
         {std::pair{"undo", "--undo"}, {"unpin", "--unpin"}, {"dry_run", "--dry-run"}}) {
        if (json_get<bool>(arguments, name)) {
            call.options.emplace_back(option);
        }
    }
    Json answer = ask_verb(settings, open_build_tree(settings, arguments), call);
    fit(answer);
    return answer;
}

Json shell_command(const Settings& settings, const Json& arguments) {
    const Place place = open_place(settings, arguments);
    const auto text = json_get<std::string>(arguments, "image");
    const engine::ImageId image =
        place.engine->image(pipeline::resolve_image(*place.engine, place.tree, text)).id;
    std::string command = shell_quote(settings.helper);
    if (place.tree) {
        command += " -C " + shell_quote(place.tree->directory().native());
    }
    return {{"command", command + " shell " + shell_quote(text)}, {"image", image.str()}};
}

namespace {

/// Also its children end when we are asked to; nothing then.
std::optional<ExitState> run_build_tool(const std::string& line,
                                        const std::function<void(std::string_view)>& take) {
    const EndSignals signals;
    Program program({.argv = {"/bin/sh", "-c", "exec 2>&1; exec " + line},
                     .package_hint = "",
                     .death_signal = SIGTERM});
    std::string piece(k_piece_size, '\0');
    try {
        for (;;) {
            signals.wait_readable(program.output());
            const size_t count = read_some(program.output(), piece);
            if (count == 0) {
                return program.join();
            }
            take(std::string_view(piece).substr(0, count));
        }
    } catch (const Interrupted&) {
        program.ask_to_end();
        return std::nullopt;
    }
}

}  // namespace

Json build(const Settings& settings, const Json& arguments, const std::string&,
           const Report& report) {
    const Place place = open_build_tree(settings, arguments);
    const auto name = json_get<std::string>(arguments, "checkpoint");
    const pipeline::CheckpointName point = pipeline::get_checkpoint_name(*place.tree, name);
    if (point.plan->base == "host" && !settings.allow_host) {
        throw with_hint(
            Error("pipeline '{}' is on base 'host', which shows this machine's own system",
                  point.plan->pipeline),
            "the server has to be started with --allow-host for that");
    }
    const auto began = std::chrono::system_clock::now();
    KeptOutput output(kept_size(json_find<size_t>(arguments, "truncate_output_at")));
    Progress progress(report);
    const std::optional<ExitState> end =
        run_build_tool(point.plan->build_command(point.checkpoint), [&](std::string_view data) {
            output.add(data);
            progress.add(data);
        });
    Json answer = {{"checkpoint", point.plan->full_name(point.checkpoint)},
                   {"build_dir", place.tree->directory().native()},
                   {"exit_code", end ? end->shell_code() : -1},
                   {"stdout", output.to_json()},
                   {"result_image", nullptr},
                   {"failed_state", nullptr}};
    if (!end) {
        answer["ended_by"] = SIGTERM;
    } else if (end->ok()) {
        answer["result_image"] = pipeline::resolve_image(*place.engine, place.tree, name).str();
    }
    for (const auto& status : pipeline::status_of(*place.engine, *place.tree)) {
        if (status.failure && status.failure->time >= began) {
            answer["failed_state"] = status.failure->state.str();
            answer["failed_checkpoint"] = status.full_name;
        }
    }
    return answer;
}

}  // namespace mstage::agent
