#include "tiny_rootfs.hpp"

#include <sys/stat.h>

#include <set>

#include "base/text.hpp"
#include "support.hpp"

namespace mstage::test {

namespace fs = std::filesystem;

namespace {

constexpr const char* k_programs[] = {"sh",   "cat",      "chmod", "chown", "dd",     "env",
                                      "head", "id",       "ln",    "ls",    "mkdir",  "mkfifo",
                                      "mv",   "readlink", "rm",    "rmdir", "setsid", "sleep",
                                      "stat", "touch",    "true",  "uname", "yes"};

/// The shared libraries (and the loader) that `program` names, directly or not.
std::set<fs::path> libraries_of(const fs::path& program) {
    std::set<fs::path> libraries;
    std::string listing;
    try {
        listing = capture_output({.argv = {"ldd", program.native()}, .package_hint = ""});
    } catch (const Error&) {
        return libraries;  // linked statically
    }
    for (const std::string& line : split(listing, '\n')) {
        const size_t begin = line.find('/');
        if (begin != std::string::npos) {
            libraries.insert(line.substr(begin, line.find(' ', begin) - begin));
        }
    }
    return libraries;
}

void copy_program(const fs::path& source, const fs::path& target) {
    fs::create_directories(target.parent_path());
    fs::copy_file(fs::canonical(source), target, fs::copy_options::skip_existing);
    fs::permissions(target, fs::perms(0755));
}

}  // namespace

void make_tiny_rootfs(const fs::path& directory, const std::vector<fs::path>& more) {
    std::vector<fs::path> programs = more;
    for (const char* name : k_programs) {
        const auto path = find_program(name);
        if (!path) {
            throw Error("this machine has no '{}'", name);
        }
        programs.emplace_back(*path);
    }
    for (const char* name : {"bin", "dev", "etc", "proc", "root", "run", "sys", "tmp", "var"}) {
        fs::create_directories(directory / name);
    }
    std::set<fs::path> libraries;
    for (const fs::path& program : programs) {
        copy_program(program, directory / "bin" / program.filename());
        libraries.merge(libraries_of(program));
    }
    for (const fs::path& library : libraries) {
        copy_program(library, directory / library.relative_path());
    }
    write_file_atomically(directory / "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
    ::chmod(directory.c_str(), 0755);
}

const fs::path& shared_tiny_rootfs(const std::vector<fs::path>& more) {
    static const TempDir k_directory;
    static const bool k_made = [&] {
        make_tiny_rootfs(k_directory.path(), more);
        return true;
    }();
    static_cast<void>(k_made);
    return k_directory.path();
}

}  // namespace mstage::test
