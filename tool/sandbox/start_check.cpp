// bwrap would complain as well, but in words of its own, and with code 1 for everything.

#include "sandbox/start_check.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/fd.hpp"
#include "base/path_text.hpp"
#include "base/text.hpp"

namespace mstage::sandbox {

namespace fs = std::filesystem;

namespace {

/// bwrap mounts it, so what is below it is not there yet.
bool is_in_proc(const std::string& path) {
    return is_below(fs::path(path).lexically_normal().native(), "/proc");
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
    if (is_in_proc(spec.workdir) || try_open_in_root(root, spec.workdir, O_PATH | O_DIRECTORY)) {
        return;
    }
    const int number = errno;
    if (number == ENOENT && spec.missing_workdir == MissingWorkdir::made) {
        return make_directories_inside(root, spec.workdir);
    }
    if (number == ENOENT) {
        CannotStart error(k_not_executable,
                          Error("the image has no directory '{}' to work in", spec.workdir));
        if (is_below(spec.workdir, "/tmp") || is_below(spec.workdir, "/run")) {
            error.set_hint("/tmp and /run are empty at the beginning of every run");
        }
        throw CannotStart(error);
    }
    if (number == ENOTDIR) {
        throw CannotStart(k_not_executable,
                          Error("'{}' of the image, to work in, is no directory", spec.workdir));
    }
    throw CannotStart(k_not_executable,
                      SysError(number, "'{}' of the image, to work in", spec.workdir));
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

/// A part of a file, as far as it can be read.
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

/// The kind of processor that an ELF file is for.
struct Processor {
    char word_size;
    char byte_order;
    unsigned machine;
    bool operator==(const Processor&) const = default;
};

/// Nothing when it is no ELF file.
std::optional<Processor> processor_of(const Fd& file) {
    const std::string start = read_at(file, 0, offsetof(Elf64_Ehdr, e_machine) + 2);
    if (start.size() < offsetof(Elf64_Ehdr, e_machine) + 2 || !start.starts_with(ELFMAG)) {
        return std::nullopt;
    }
    const auto byte = [&](size_t i) {
        return unsigned{static_cast<unsigned char>(start[offsetof(Elf64_Ehdr, e_machine) + i])};
    };
    const bool little = start[EI_DATA] == ELFDATA2LSB;
    return Processor{start[EI_CLASS], start[EI_DATA],
                     little ? byte(0) | byte(1) << 8 : byte(1) | byte(0) << 8};
}

std::string name_of(const Processor& processor) {
    const bool is_64 = processor.word_size == ELFCLASS64;
    const bool is_little = processor.byte_order == ELFDATA2LSB;
    switch (processor.machine) {
        case EM_386:
            return "i386";
        case EM_X86_64:
            return is_64 ? "x86_64" : "x32";
        case EM_ARM:
            return "arm";
        case EM_AARCH64:
            return "aarch64";
        case EM_RISCV:
            return is_64 ? "riscv64" : "riscv32";
        case EM_PPC64:
            return is_little ? "ppc64le" : "ppc64";
        case EM_S390:
            return "s390x";
        case EM_MIPS:
            return "mips";
        case EM_LOONGARCH:
            return "loongarch64";
        default:
            return fmt::format("number {}", processor.machine);
    }
}

const Processor& own_processor() {
    static const Processor k_own = processor_of(open_fd("/proc/self/exe", O_RDONLY)).value();
    return k_own;
}

enum class Found { no, not_visible, not_executable, yes };

/// Throws where execvp() would not look any further.
Found look_at(int root, const std::string& place) {
    if (is_in_proc(place)) {
        return Found::not_visible;
    }
    const Fd file = try_open_in_root(root, place, O_PATH);
    if (!file) {
        const int number = errno;
        if (number == ENOENT || number == ENOTDIR) {
            return Found::no;
        }
        if (number == EACCES) {
            return Found::not_executable;
        }
        throw CannotStart(k_not_executable, SysError(number, "'{}' of the image", place));
    }
    struct stat info {};
    const bool is_program =
        ::fstat(file.get(), &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 0111) != 0;
    return is_program ? Found::yes : Found::not_executable;
}

/// A program that is there, and what the kernel needs to start it.
class Program {
public:
    Program(int root, std::string path) : m_root(root), m_path(std::move(path)) {}

    std::optional<StartInDoubt> check() const { return check_format(m_path, k_most_interpreters); }

private:
    static constexpr int k_most_interpreters = 5;  // the kernel's own limit

    std::optional<StartInDoubt> check_format(const std::string& file_path, int left) const {
        const Fd file = try_open_in_root(m_root, file_path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        if (!file) {
            return std::nullopt;  // perhaps nobody may read it
        }
        const std::string start = read_at(file, 0, 256);
        if (start.starts_with("#!")) {
            const size_t begin = std::min(start.find_first_not_of(" \t", 2), start.size());
            return check_interpreter(
                start.substr(begin, start.find_first_of(" \t\r\n", begin) - begin), left);
        }
        const auto processor = processor_of(file);
        if (!processor) {
            return std::nullopt;
        }
        if (*processor != own_processor()) {
            return StartInDoubt{m_path, foreign(file_path, *processor)};
        }
        const auto interpreter = processor->word_size == ELFCLASS32
                                     ? elf_interpreter<Elf32_Ehdr, Elf32_Phdr>(file)
                                     : elf_interpreter<Elf64_Ehdr, Elf64_Phdr>(file);
        return interpreter ? check_interpreter(*interpreter, left) : std::nullopt;
    }

    std::optional<StartInDoubt> check_interpreter(const std::string& interpreter, int left) const {
        if (!interpreter.starts_with('/') || left == 0) {
            return std::nullopt;
        }
        const auto refuse = [&](int code, const char* why) {
            throw with_hint(
                CannotStart(code, Error("program '{}' cannot be started: its interpreter '{}' {}",
                                        m_path, interpreter, why)),
                "it was made for another system; install what it needs, or build it statically");
        };
        switch (look_at(m_root, interpreter)) {
            case Found::no:
                refuse(k_not_found, "is not in the image");
                break;
            case Found::not_executable:
                refuse(k_not_executable, "is no executable file");
                break;
            case Found::not_visible:
                return StartInDoubt{m_path, ""};
            case Found::yes:
                break;
        }
        return check_format(interpreter, left - 1);
    }

    std::string foreign(const std::string& file, const Processor& processor) const {
        return fmt::format(
            "program '{}' cannot be started: {} is for another kind of processor ({}) "
            "than this machine's ({})",
            m_path, file == m_path ? "it" : fmt::format("its interpreter '{}'", file),
            name_of(processor), name_of(own_processor()));
    }

    int m_root;
    std::string m_path;
};

[[noreturn]] void throw_not_found(const Spec& spec) {
    const std::string& program = spec.argv.front();
    const CannotStart error(k_not_found, Error("the image has no program '{}'", program));
    if (program.find(' ') != std::string::npos) {
        throw with_hint(error, "its name has blanks in it: a line for the shell goes with -c");
    }
    if (program.find('/') != std::string::npos) {
        throw CannotStart(error);
    }
    const auto path = spec.environment.find("PATH");
    throw with_hint(error, fmt::format("PATH is there: {}",
                                       path == spec.environment.end() ? "not set" : path->second));
}

std::optional<StartInDoubt> check_program(int root, const Spec& spec) {
    std::optional<std::string> not_executable;
    for (const std::string& place : places_of(spec)) {
        switch (look_at(root, place)) {
            case Found::yes:
                return Program(root, place).check();
            case Found::not_visible:
                return StartInDoubt{};
            case Found::not_executable:
                not_executable = not_executable.value_or(place);
                break;
            case Found::no:
                break;
        }
    }
    if (not_executable) {
        throw CannotStart(k_not_executable,
                          Error("'{}' of the image is no executable file", *not_executable));
    }
    throw_not_found(spec);
}

}  // namespace

std::optional<StartInDoubt> check_start(const Spec& spec) {
    const Fd root = open_fd(spec.root.mount_point, O_PATH | O_DIRECTORY);
    check_workdir(root.get(), spec);
    return check_program(root.get(), spec);
}

}  // namespace mstage::sandbox
