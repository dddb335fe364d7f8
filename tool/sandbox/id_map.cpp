#include "sandbox/id_map.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include <charconv>
#include <sstream>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/process.hpp"
#include "base/text.hpp"

namespace mstage::sandbox {

namespace {

/// SETGID, SETUID to write such a map, SETFCAP because it maps id 0 of the parent
/// (user_namespaces(7)).
constexpr std::uint64_t k_caps_to_map_all = (1ULL << 6) | (1ULL << 7) | (1ULL << 31);

std::uint64_t effective_capabilities() {
    std::istringstream status(read_file("/proc/self/status"));
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("CapEff:\t")) {
            std::uint64_t caps = 0;
            std::from_chars(line.data() + 8, line.data() + line.size(), caps, 16);
            return caps;
        }
    }
    return 0;
}

/// Every id that exists in our own namespace, mapped to itself.
std::vector<IdExtent> identity_of(const char* own_map) {
    std::vector<IdExtent> extents;
    std::istringstream lines(read_file(own_map));
    std::uint32_t inside = 0;
    std::uint32_t outside = 0;
    std::uint32_t count = 0;
    while (lines >> inside >> outside >> count) {
        extents.push_back({inside, inside, count});
    }
    return extents;
}

std::vector<IdExtent> ranges_from(const char* path, const std::string& user, std::uint32_t id) {
    std::vector<IdExtent> extents = {{0, id, 1}};
    const auto text = read_file_if_exists(path);
    for (const IdExtent& extent : parse_subid(text.value_or(""), user, ::geteuid())) {
        extents.push_back(extent);
    }
    return extents;
}

std::string user_name() {
    const passwd* entry = ::getpwuid(::geteuid());
    return entry != nullptr ? entry->pw_name : "";
}

std::string to_lines(const std::vector<IdExtent>& extents) {
    std::string text;
    for (const IdExtent& extent : extents) {
        text += fmt::format("{} {} {}\n", extent.inside, extent.outside, extent.count);
    }
    return text;
}

void write_proc_file(pid_t pid, const char* name, const std::string& text) {
    const std::string path = fmt::format("/proc/{}/{}", pid, name);
    // In one write(2): the kernel takes the whole map or nothing.
    const Fd fd = open_fd(path, O_WRONLY);
    if (::write(fd.get(), text.data(), text.size()) < 0) {
        throw SysError(errno, "writing '{}'", path);
    }
}

void run_mapper(const char* program, pid_t pid, const std::vector<IdExtent>& extents) {
    std::vector<std::string> argv = {program, std::to_string(pid)};
    for (const IdExtent& extent : extents) {
        for (const std::uint32_t number : {extent.inside, extent.outside, extent.count}) {
            argv.push_back(std::to_string(number));
        }
    }
    try {
        capture_output({.argv = argv, .package_hint = "install the package 'uidmap'"});
    } catch (Error& error) {
        error.set_hint("check that /etc/subuid and /etc/subgid give this user ranges of his own");
        throw;
    }
}

}  // namespace

std::vector<IdExtent> parse_subid(const std::string& text, const std::string& user, uid_t id) {
    std::vector<IdExtent> extents;
    std::uint32_t next = 1;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const std::vector<std::string> fields = split(line, ':');
        if (fields.size() != 3 || (fields[0] != user && fields[0] != std::to_string(id))) {
            continue;
        }
        std::uint32_t start = 0;
        std::uint32_t count = 0;
        std::from_chars(fields[1].data(), fields[1].data() + fields[1].size(), start);
        std::from_chars(fields[2].data(), fields[2].data() + fields[2].size(), count);
        if (start > 0 && count > 0) {
            extents.push_back({next, start, count});
            next += count;
        }
    }
    return extents;
}

IdMap detect_id_map() {
    const bool may_map_all =
        ::geteuid() == 0 && (effective_capabilities() & k_caps_to_map_all) == k_caps_to_map_all;
    if (may_map_all) {
        return {IdMode::identity, identity_of("/proc/self/uid_map"),
                identity_of("/proc/self/gid_map")};
    }
    const std::string user = user_name();
    IdMap map = {IdMode::ranges, ranges_from("/etc/subuid", user, ::geteuid()),
                 ranges_from("/etc/subgid", user, ::getegid())};
    const bool has_ranges = map.uids.size() > 1 && map.gids.size() > 1;
    if (!has_ranges || !find_program("newuidmap") || !find_program("newgidmap")) {
        map = {IdMode::single, {{0, ::geteuid(), 1}}, {{0, ::getegid(), 1}}};
    }
    return map;
}

void apply_id_map(const IdMap& map, pid_t pid) {
    if (map.mode == IdMode::ranges) {
        run_mapper("newuidmap", pid, map.uids);
        run_mapper("newgidmap", pid, map.gids);
        return;
    }
    if (map.mode == IdMode::single) {
        // The kernel asks for it: else one could leave a group whose members are denied something
        // (CVE-2014-8989).
        write_proc_file(pid, "setgroups", "deny");
    }
    write_proc_file(pid, "uid_map", to_lines(map.uids));
    write_proc_file(pid, "gid_map", to_lines(map.gids));
}

}  // namespace mstage::sandbox
