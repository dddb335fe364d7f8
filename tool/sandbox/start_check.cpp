// bwrap would complain as well, but in words of its own, and with code 1 for everything.

#include "sandbox/start_check.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/fd.hpp"
#include "base/path_text.hpp"
#include "base/text.hpp"
#include "sandbox/bwrap.hpp"

namespace mstage::sandbox {

namespace fs = std::filesystem;

namespace {

/// Whether it is below a directory that is not the image's.
bool is_mounted_over(const std::string& path) {
    return std::ranges::any_of(
        k_mount_points, [&](const char* name) { return is_below(path, fmt::format("/{}", name)); });
}

/// As a process inside would: by way of the image's own links, which stay inside.
void make_directories_inside(int root, const std::string& path) {
    std::string done = "/";
    for (const std::string& name : split(path, '/')) {
        const Fd parent = try_open_in_root(root, done, O_PATH | O_DIRECTORY);
        if (!parent || (!name.empty() && ::mkdirat(parent.get(), name.c_str(), 0755) != 0 &&
                        errno != EEXIST)) {
            throw SysError(errno, "making directory '{}' in the image", path);
        }
        done += name + "/";
    }
}

void check_workdir(int root, const Spec& spec) {
    if (is_mounted_over(spec.workdir) ||
        try_open_in_root(root, spec.workdir, O_PATH | O_DIRECTORY)) {
        return;
    }
    if (errno == ENOTDIR) {
        throw CannotStart(k_not_executable,
                          Error("'{}' of the image, to work in, is no directory", spec.workdir));
    }
    if (errno == ENOENT && spec.missing_workdir == MissingWorkdir::refused) {
        throw CannotStart(k_not_executable,
                          Error("the image has no directory '{}' to work in", spec.workdir));
    }
    if (errno == ENOENT) {
        make_directories_inside(root, spec.workdir);
    }
}

/// Where execvp() would look.
std::vector<std::string> places_of(const Spec& spec) {
    const std::string& program = spec.argv.front();
    if (program.find('/') != std::string::npos) {
        return {(fs::path(spec.workdir) / program).native()};
    }
    std::vector<std::string> places;
    const auto path = spec.environment.find("PATH");
    for (const std::string& directory :
         split(path == spec.environment.end() ? "/bin:/usr/bin" : path->second, ':')) {
        places.push_back((fs::path(spec.workdir) / directory / program).native());
    }
    return places;
}

/// The beginning of a file, as far as it can be read.
std::string read_at(const Fd& file, std::uint64_t offset, size_t size) {
    std::string text(size, '\0');
    const ssize_t count = ::pread(file.get(), text.data(), size, static_cast<off_t>(offset));
    text.resize(count < 0 ? 0 : static_cast<size_t>(count));
    return text;
}

template <typename Header, typename Segment>
std::optional<std::string> elf_interpreter(const Fd& file) {
    Header header{};
    const std::string text = read_at(file, 0, sizeof header);
    if (text.size() < sizeof header) {
        return std::nullopt;
    }
    std::memcpy(&header, text.data(), sizeof header);
    for (unsigned i = 0; i < header.e_phnum; ++i) {
        Segment segment{};
        const std::string bytes =
            read_at(file, header.e_phoff + std::uint64_t{i} * sizeof segment, sizeof segment);
        if (bytes.size() < sizeof segment) {
            return std::nullopt;
        }
        std::memcpy(&segment, bytes.data(), sizeof segment);
        if (segment.p_type == PT_INTERP) {
            const size_t size = std::min<size_t>(segment.p_filesz, 4096);
            return std::string(read_at(file, segment.p_offset, size).c_str());
        }
    }
    return std::nullopt;
}

/// The program without which the kernel does not start `file`.
std::optional<std::string> interpreter_of(const Fd& file) {
    const std::string start = read_at(file, 0, 256);
    if (start.starts_with("#!")) {
        const size_t begin = std::min(start.find_first_not_of(" \t", 2), start.size());
        return start.substr(begin, start.find_first_of(" \t\r\n", begin) - begin);
    }
    if (!start.starts_with(ELFMAG) || start.size() <= EI_CLASS) {
        return std::nullopt;
    }
    return start[EI_CLASS] == ELFCLASS32 ? elf_interpreter<Elf32_Ehdr, Elf32_Phdr>(file)
                                         : elf_interpreter<Elf64_Ehdr, Elf64_Phdr>(file);
}

void check_interpreter(int root, const std::string& program) {
    const Fd file = try_open_in_root(root, program, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    const auto interpreter = file ? interpreter_of(file) : std::nullopt;
    if (!interpreter || !interpreter->starts_with('/') || is_mounted_over(*interpreter) ||
        try_open_in_root(root, *interpreter, O_PATH) || errno != ENOENT) {
        return;
    }
    throw with_hint(
        CannotStart(k_not_found, Error("program '{}' cannot be started: its interpreter '{}' is "
                                       "not in the image",
                                       program, *interpreter)),
        "it was made for another system; install what it needs, or build it statically");
}

enum class Found { no, unknown, not_executable, yes };

Found look_at(int root, const std::string& place) {
    if (is_mounted_over(place)) {
        return Found::unknown;
    }
    const Fd file = try_open_in_root(root, place, O_PATH);
    if (!file) {
        return errno == ENOENT || errno == ENOTDIR ? Found::no : Found::unknown;
    }
    struct stat info {};
    const bool is_program =
        ::fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 0111) != 0;
    return is_program ? Found::yes : Found::not_executable;
}

[[noreturn]] void throw_not_found(const Spec& spec) {
    const std::string& program = spec.argv.front();
    const CannotStart error(k_not_found, Error("the image has no program '{}'", program));
    if (program.find('/') != std::string::npos) {
        throw CannotStart(error);
    }
    const auto path = spec.environment.find("PATH");
    throw with_hint(error, fmt::format("PATH is there: {}",
                                       path == spec.environment.end() ? "not set" : path->second));
}

void check_program(int root, const Spec& spec) {
    std::optional<std::string> not_executable;
    for (const std::string& place : places_of(spec)) {
        const Found found = look_at(root, place);
        if (found == Found::yes) {
            check_interpreter(root, place);
        }
        if (found == Found::yes || found == Found::unknown) {
            return;
        }
        if (found == Found::not_executable && !not_executable) {
            not_executable = place;
        }
    }
    if (not_executable) {
        throw CannotStart(k_not_executable,
                          Error("'{}' of the image is no executable file", *not_executable));
    }
    throw_not_found(spec);
}

}  // namespace

void check_start(const Spec& spec) {
    const Fd root = open_fd(spec.root.mount_point, O_PATH | O_DIRECTORY);
    check_workdir(root.get(), spec);
    check_program(root.get(), spec);
}

}  // namespace mstage::sandbox
