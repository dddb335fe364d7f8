// Files of images, and files of this machine for images.

#include <fcntl.h>
#include <sys/stat.h>

#include "agent/fit.hpp"
#include "agent/image_file.hpp"
#include "agent/sources.hpp"
#include "agent/tools/arguments.hpp"
#include "agent/tools/tools.hpp"
#include "base/atomic_file.hpp"
#include "base/base64.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace mstage::agent {

namespace {

const char* type_name(char type) {
    switch (type) {
        case 'f':
            return "file";
        case 'd':
            return "directory";
        case 'l':
            return "symlink";
        case 'p':
            return "fifo";
        case 's':
            return "socket";
        case 'c':
            return "character-device";
        default:
            return "block-device";
    }
}

Json to_entry(const engine::FileInfo& file) {
    Json entry = {{"path", file.path},
                  {"type", type_name(file.type)},
                  {"mode", fmt::format("{:04o}", file.mode)},
                  {"size", file.size}};
    if (file.uid != 0 || file.gid != 0) {
        entry["uid"] = file.uid;
        entry["gid"] = file.gid;
    }
    if (file.type == 'l') {
        entry["target"] = file.target;
    }
    return entry;
}

const std::string& absolute(const std::string& path) {
    if (!path.starts_with('/')) {
        throw with_hint(Error("'{}' is no absolute path in an image", path),
                        "list_files shows what is in an image, from '/' on");
    }
    return path;
}

/// What to do about a path of an image that is not there, or of another kind.
template <typename F>
auto with_remedy(const F& body) {
    try {
        return body();
    } catch (Error& error) {
        if (error.hint().empty()) {
            error.set_hint("list_files shows what is there");
        }
        throw;
    }
}

/// A part of a file costs a copy of all of it.
void check_size(engine::Engine& engine, const engine::Image& image, const std::string& path) {
    constexpr std::uint64_t k_largest = 256 << 20;
    for (const engine::FileInfo& file : engine.list(image, path, false)) {
        if (file.type == 'f' && file.path == path && file.size > k_largest) {
            throw with_hint(
                Error("'{}' is too long to be read so: {}", path, human_size(file.size)),
                "run head, tail or grep on the image, or download it");
        }
    }
}

/// A regular file of this machine, as it is when it is opened.
std::string read_regular_file(const std::filesystem::path& path) {
    constexpr off_t k_largest = 256 << 20;
    const Fd file = open_fd(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    struct stat info {};
    ::fstat(file.get(), &info);
    if (!S_ISREG(info.st_mode)) {
        throw Error("'{}' is no regular file", path.native());
    }
    if (info.st_size > k_largest) {
        throw with_hint(Error("'{}' is too long to be uploaded", path.native()),
                        "rsync takes files of any size");
    }
    return read_all(file.get());
}

}  // namespace

Json list_files(const Settings& settings, const Json& arguments) {
    const Place place = open_place(settings, arguments);
    const engine::Image image = get_image_argument(settings, place, arguments, "image");
    const auto path = json_get<std::string>(arguments, "path");
    const auto offset = json_get<size_t>(arguments, "offset");
    const auto limit = json_find<size_t>(arguments, "limit");
    const std::vector<engine::FileInfo> files = with_remedy([&] {
        return place.engine->list(image, absolute(path), json_get<bool>(arguments, "recursive"));
    });
    // More than these never fit, and to measure what does takes its time.
    constexpr size_t k_most = 500;
    Json answer = {{"path", path}, {"files", Json::array()}};
    for (size_t i = offset; i < files.size() && i - offset < limit.value_or(k_most); ++i) {
        answer["files"].push_back(to_entry(files[i]));
    }
    fit_page(answer, "files", offset, files.size(), limit ? SIZE_MAX : k_compact_result);
    return answer;
}

Json read_file(const Settings& settings, const Json& arguments) {
    const Place place = open_place(settings, arguments);
    const engine::Image image = get_image_argument(settings, place, arguments, "image");
    const auto path = json_get<std::string>(arguments, "path");
    const auto offset = json_get<size_t>(arguments, "offset");
    const auto limit = json_find<size_t>(arguments, "limit");
    const ImageFile file = with_remedy([&] {
        check_size(*place.engine, image, absolute(path));
        return ImageFile(*place.engine, image, path);
    });
    const Json answer = {{"path", path}, {"size", file.size()}, {"offset", offset}};
    const auto with_part = [&](size_t bytes) {
        const FilePart part = file.read(offset, bytes);
        Json whole = answer;
        whole["content"] = part.content;
        whole["encoding"] = part.is_text ? "utf-8" : "base64";
        if (offset + part.size < file.size()) {
            whole["next_offset"] = offset + part.size;
        }
        return whole;
    };
    return limit ? with_part(*limit) : fitted(with_part);
}

Json download(const Settings& settings, const Json& arguments) {
    const auto destination = json_get<std::string>(arguments, "destination");
    const std::filesystem::path target = settings.roots.resolve_new(destination);
    const Place place = open_place(settings, arguments);
    const engine::Image image = get_image_argument(settings, place, arguments, "image");
    AtomicFile file(target, NameIsLink::refused);
    with_remedy([&] {
        place.engine->write_file_to(image, absolute(json_get<std::string>(arguments, "path")),
                                    file.fd());
    });
    struct stat info {};
    ::fstat(file.fd(), &info);
    if (json_get<bool>(arguments, "executable")) {
        ::fchmod(file.fd(), info.st_mode | 0111);
    }
    file.commit();
    return {{"destination", target.native()}, {"size", info.st_size}};
}

Json rsync(const Settings& settings, const Json& arguments) {
    const Place place = settings.open(std::nullopt);
    Json answer =
        take_source(settings, *place.engine,
                    {.source = json_get<std::string>(arguments, "source"),
                     .destination = absolute(json_get<std::string>(arguments, "destination")),
                     .exclude = json_get<std::vector<std::string>>(arguments, "exclude")});
    fit(answer);
    return answer;
}

Json upload(const Settings& settings, const Json& arguments) {
    const auto path = json_find<std::string>(arguments, "path");
    const auto text = json_find<std::string>(arguments, "content");
    const auto base64 = json_find<std::string>(arguments, "content_base64");
    if ((path ? 1 : 0) + (text ? 1 : 0) + (base64 ? 1 : 0) != 1) {
        throw with_hint(Error("just one of path, content and content_base64 is wanted"),
                        "path is a file of this machine, the others are what is to be in the file");
    }
    return take_file(settings, path     ? read_regular_file(settings.roots.resolve(*path))
                               : base64 ? decode_base64(*base64)
                                        : *text);
}

}  // namespace mstage::agent
