// Runs and imports.

#include <sys/mman.h>
#include <unistd.h>

#include "agent/output.hpp"
#include "agent/progress.hpp"
#include "agent/sources.hpp"
#include "agent/tools/arguments.hpp"
#include "agent/tools/tools.hpp"
#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/tag_name.hpp"

namespace mstage::agent {

namespace {

constexpr int k_timed_out = -1;

Fd readable(const std::string& text) {
    Fd file(::memfd_create("stdin", MFD_CLOEXEC));
    if (!file) {
        throw SysError(errno, "memfd_create");
    }
    write_all(file.get(), text);
    ::lseek(file.get(), 0, SEEK_SET);
    return file;
}

std::vector<std::string> argv_from(const Json& arguments, const std::string& command) {
    const auto words = json_find<std::vector<std::string>>(arguments, "args");
    if (json_get<bool>(arguments, "shell")) {
        if (words && !words->empty()) {
            throw with_hint(Error("args are for shell=false"),
                            "with shell=true all of the command line is in command");
        }
        return {"/bin/sh", "-c", command};
    }
    std::vector<std::string> argv = {command};
    if (words) {
        argv.insert(argv.end(), words->begin(), words->end());
    }
    return argv;
}

std::string user_from(const Json& arguments) {
    const auto uid = json_find<std::uint32_t>(arguments, "uid");
    const auto gid = json_find<std::uint32_t>(arguments, "gid");
    if (!uid && !gid) {
        return "";
    }
    return gid ? fmt::format("{}:{}", uid.value_or(0), *gid) : fmt::format("{}", *uid);
}

engine::RunRequest request_from(const Settings& settings, const Json& arguments,
                                const engine::ImageId& image) {
    engine::RunRequest request{.image = image};
    const auto command = json_get<std::string>(arguments, "command");
    request.argv = argv_from(arguments, command);
    request.command_line = json_get<bool>(arguments, "shell") ? command : shell_quote(request.argv);
    request.environment = json_find<std::map<std::string, std::string>>(arguments, "env")
                              .value_or(std::map<std::string, std::string>{});
    for (const auto& [name, value] : request.environment) {
        if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos ||
            value.find('\0') != std::string::npos) {
            throw with_hint(
                Error("env: '{}' is no variable that a program can be given", escape_control(name)),
                "env is an object of names and values: {\"NAME\": \"value\"}");
        }
    }
    request.pass_through = settings.proxies;
    request.authorities = settings.authorities;
    request.workdir = json_get<std::string>(arguments, "cwd");
    request.user = user_from(arguments);
    request.network =
        json_get<bool>(arguments, "network") ? engine::Network::on : engine::Network::off;
    request.timeout = std::chrono::duration_cast<std::chrono::nanoseconds>(
        std::chrono::duration<double>(json_get<double>(arguments, "timeout")));
    request.disposable = json_get<bool>(arguments, "disposable");
    request.keep_environment = json_get<bool>(arguments, "preserve_env");
    request.streams = engine::Streams::separate;
    request.origin = "agent";
    if (const auto state = json_find<std::uint64_t>(arguments, "directory_state_id")) {
        add_source(settings, *state, request);
    }
    if (const auto files = json_find<std::map<std::string, std::string>>(arguments, "files")) {
        for (const auto& [destination, uuid] : *files) {
            add_file(settings, uuid, destination, request);
        }
    }
    return request;
}

Json answer_from(const engine::RunResult& result, const KeptOutput& out, const KeptOutput& err) {
    const engine::Outcome& outcome = result.outcome;
    const bool by_signal = outcome.code > 128 && outcome.code <= 128 + 64;
    Json answer = {
        {"exit_code", outcome.timed_out ? k_timed_out : outcome.code},
        {"signal", by_signal && !outcome.timed_out ? Json(outcome.code - 128) : Json()},
        {"timed_out", outcome.timed_out},
        {"stdout", out.to_json()},
        {"stderr", err.to_json()},
        {"result_image", json_or_null(result.result_image)},
        {"filesystem_changed", result.filesystem_changed},
        {"failed_state", json_or_null(result.failed_state)},
    };
    if (!result.note.empty()) {
        answer["note"] = result.note;
    }
    return answer;
}

}  // namespace

Json run(const Settings& settings, const Json& arguments, const std::string& id,
         const Report& report) {
    const Place place = open_place(settings, arguments);
    const engine::Image image = get_image_argument(settings, place, arguments, "image");
    engine::RunRequest request = request_from(settings, arguments, image.id);
    if (image.state == engine::ImageState::failed && !request.disposable) {
        throw with_hint(Error("'{}' is a failed state, and nothing is built on it",
                              json_get<std::string>(arguments, "image")),
                        image.parent ? fmt::format("start from what it was made from, {}, or "
                                                   "look into it with disposable=true",
                                                   image.parent->str())
                                     : "look into it with disposable=true");
    }
    request.id = engine::RunId::parse(id);
    const auto input = json_find<std::string>(arguments, "stdin");
    const Fd stdin_file = input ? readable(*input) : Fd();
    request.stdin_fd = stdin_file.get();
    request.note = report;
    const size_t kept = kept_size(json_find<size_t>(arguments, "truncate_output_at"));
    KeptOutput out(kept);
    KeptOutput err(kept);
    Progress progress(report);
    request.live = [&](engine::Stream stream, std::string_view data) {
        (stream == engine::Stream::err ? err : out).add(data);
        progress.add(data);
    };
    const engine::RunResult result = place.engine->run(request);
    Json answer = answer_from(result, out, err);
    answer["image"] = image.id.str();
    if (result.outcome.interrupted_by) {
        answer["ended_by"] = *result.outcome.interrupted_by;
    }
    if (!out.is_whole_in(kept) || !err.is_whole_in(kept)) {
        answer["note"] = "all of its output is in " + result.log.native();
    }
    return answer;
}

namespace {

/// A bare name of an image in a registry is what docker takes it for.
std::string base_reference(const std::string& url) {
    const auto is_kind = [&](std::string_view kind) { return url.starts_with(kind); };
    if (url == "host" || is_kind("docker://") || is_kind("debian:") || is_kind("oci:") ||
        is_kind("oci-archive:") || is_kind("docker-archive:") || is_kind("rootfs:") ||
        is_kind("tag:")) {
        return url;
    }
    const std::string first = url.substr(0, url.find('/'));
    if (first == url) {
        return "docker://docker.io/library/" + url;
    }
    const bool is_host = first.find_first_of(".:") != std::string::npos || first == "localhost";
    return is_host ? "docker://" + url : "docker://docker.io/" + url;
}

/// "PATH" or "PATH:NAME", with the path that leads there, which is below a root. As the engine has it,
/// a name with ':' in it comes first.
std::string resolved_operand(const Settings& settings, const std::string& operand) {
    std::error_code error;
    for (size_t end = operand.size(); end != std::string::npos && end > 0;
         end = end == operand.size() ? operand.find(':') : operand.find(':', end + 1)) {
        const std::string path = operand.substr(0, end);
        if (std::filesystem::exists(path, error)) {
            return settings.roots.resolve(path).native() + operand.substr(end);
        }
    }
    return settings.roots.resolve(operand).native();
}

/// The reference as it is imported. Files of this machine come from the roots only.
std::string checked_reference(const Settings& settings, const std::string& reference) {
    if (reference == "host" && !settings.allow_host) {
        throw with_hint(Error("base 'host' shows this machine's own system"),
                        "the server has to be started with --allow-host for that");
    }
    for (const std::string_view kind : {"rootfs:", "oci:", "oci-archive:", "docker-archive:"}) {
        if (reference.starts_with(kind)) {
            const std::string operand = reference.substr(kind.size());
            return std::string(kind) + (kind == "rootfs:" ? settings.roots.resolve(operand).native()
                                                          : resolved_operand(settings, operand));
        }
    }
    return reference;
}

}  // namespace

Json import_image(const Settings& settings, const Json& arguments, const std::string&,
                  const Report& report) {
    const auto url = json_get<std::string>(arguments, "registry_url");
    const std::string reference = checked_reference(settings, base_reference(url));
    const auto tag = json_find<std::string>(arguments, "tag");
    if (tag) {
        engine::check_tag_name(tag_name(*tag));
    }
    const Place place = settings.open(std::nullopt);
    report("importing " + reference);
    const engine::Base base =
        place.engine->base(reference, json_get<bool>(arguments, "refresh") ? engine::Refresh::yes
                                                                           : engine::Refresh::no);
    if (tag) {
        place.engine->set_tag(tag_name(*tag), base.image);
    }
    return {{"image", base.image.str()},
            {"result_image", base.image.str()},
            {"tag", json_or_null(tag)},
            {"imported", base.imported},
            {"warnings", base.warnings}};
}

}  // namespace mstage::agent
