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

/// What the verb prints with --json, made compact.
Json ask_verb(const Settings& settings, const Json& arguments, std::vector<std::string> words) {
    const auto build_dir = json_find<std::string>(arguments, "build_dir");
    std::vector<std::string> argv = {settings.program.native()};
    if (build_dir) {
        argv.insert(argv.end(), {"-C", settings.roots.resolve(*build_dir).native()});
    } else if (const Place place = settings.open(std::nullopt); place.tree) {
        argv.insert(argv.end(), {"-C", place.tree->directory().native()});
    }
    argv.insert(argv.end(), words.begin(), words.end());
    argv.emplace_back("--json");
    Json answer = parse_json(capture_own_verb(argv), "the answer of mstage " + words.front());
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
    Json answer = ask_verb(settings, arguments, {"status"});
    fit(answer);
    return answer;
}

Json why(const Settings& settings, const Json& arguments) {
    Json answer =
        ask_verb(settings, arguments, {"why", json_get<std::string>(arguments, "checkpoint")});
    fit(answer);
    return answer;
}

Json diff(const Settings& settings, const Json& arguments) {
    const Place place = open_place(settings, arguments);
    std::vector<std::string> words = {"diff"};
    for (const char* name : {"before", "after"}) {
        words.push_back(get_image_argument(settings, place, arguments, name).id.str());
    }
    words.push_back(json_get<std::string>(arguments, "path"));
    if (json_get<bool>(arguments, "content")) {
        words.emplace_back("--content");
    }
    Json answer = ask_verb(settings, arguments, std::move(words));
    fit(answer);
    return answer;
}

Json history(const Settings& settings, const Json& arguments) {
    std::vector<std::string> words = {"history"};
    if (const auto checkpoint = json_find<std::string>(arguments, "checkpoint")) {
        words.push_back(*checkpoint);
    }
    Json answer = ask_verb(settings, arguments, std::move(words));
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
    std::vector<std::string> words = {"rollback"};
    if (const auto checkpoint = json_find<std::string>(arguments, "checkpoint")) {
        words.push_back(*checkpoint);
    }
    if (const auto to = json_find<std::string>(arguments, "to")) {
        words.push_back("--to=" + *to);
    }
    for (const auto& [name, option] :
         {std::pair{"undo", "--undo"}, {"unpin", "--unpin"}, {"dry_run", "--dry-run"}}) {
        if (json_get<bool>(arguments, name)) {
            words.emplace_back(option);
        }
    }
    Json answer = ask_verb(settings, arguments, std::move(words));
    fit(answer);
    return answer;
}

Json shell_command(const Settings& settings, const Json& arguments) {
    const Place place = open_place(settings, arguments);
    const auto text = json_get<std::string>(arguments, "image");
    const engine::ImageId image = pipeline::resolve_image(*place.engine, place.tree, text);
    std::string command = shell_quote(settings.helper);
    if (place.tree) {
        command += " -C " + shell_quote(place.tree->directory().native());
    }
    return {{"command", command + " shell " + shell_quote(text)}, {"image", image.str()}};
}

namespace {

/// Also its children end when we are asked to.
ExitState run_build_tool(const std::string& line,
                         const std::function<void(std::string_view)>& take) {
    const EndSignals signals;
    Program program({.argv = {"/bin/sh", "-c", "exec 2>&1; exec " + line}, .package_hint = ""});
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
        throw;
    }
}

}  // namespace

Json build(const Settings& settings, const Json& arguments, const std::string&,
           const Report& report) {
    const Place place = open_build_tree(settings, arguments);
    const auto name = json_get<std::string>(arguments, "checkpoint");
    const pipeline::CheckpointName point = pipeline::get_checkpoint_name(*place.tree, name);
    KeptOutput output(kept_size(json_find<size_t>(arguments, "truncate_output_at")));
    Progress progress(report);
    const ExitState end =
        run_build_tool(point.plan->build_command(point.checkpoint), [&](std::string_view data) {
            output.add(data);
            progress.add(data);
        });
    Json answer = {{"checkpoint", point.plan->full_name(point.checkpoint)},
                   {"build_dir", place.tree->directory().native()},
                   {"exit_code", end.shell_code()},
                   {"stdout", output.to_json()},
                   {"result_image", nullptr}};
    if (end.ok()) {
        answer["result_image"] = pipeline::resolve_image(*place.engine, place.tree, name).str();
    }
    return answer;
}

}  // namespace mstage::agent
