#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mstage::sandbox {

/// A file of the machine that a command may read, at a path inside.
struct ShownFile {
    std::filesystem::path source;
    std::string at;
};

/// For files of ours in a sandbox; nobody else's.
inline constexpr const char* k_own_directory = "/run/mstage";

/// Mounts over the image's own directories what every sandbox has there: /dev with the few devices
/// that everybody may use, an empty /sys that stays so, and empty /tmp and /run. Their mount points
/// are directories of the root, which nobody else can change now. /proc is not among them: only who
/// is in the sandbox's process-id namespace can mount it.
///
/// bwrap could do it all, but for each mount it would read the list of all mounts.
void mount_system_places(const std::filesystem::path& root);

/// Only what is empty in every sandbox and can be written to, /tmp and /run.
void mount_fresh_places(const std::filesystem::path& root);

/// Mounts `file` read-only in the root, at a path without links. What is missing on the way is made
/// for everybody to read.
void show_file(const std::filesystem::path& root, const ShownFile& file);

/// The places directly below /proc, other than processes, where root could change the machine:
/// they are to be read-only where the sandbox's root is the machine's to the kernel. `proc` is a
/// /proc to look at. Not among them are bus, irq and sysrq-trigger, which bwrap covers itself, and
/// files that everybody may write.
std::vector<std::string> writable_proc_places(const std::filesystem::path& proc);

}  // namespace mstage::sandbox
