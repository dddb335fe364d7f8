#pragma once

#include <sys/types.h>
#include <time.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "archive/import.hpp"
#include "base/xattr.hpp"

namespace mstage::archive {

/// Whether images keep attributes of that name: the caller's own, capabilities and POSIX ACLs.
bool is_kept_attribute(std::string_view name);

/// Everything about an entry but its name and its content.
struct Attributes {
    static constexpr uid_t k_leave_owner = static_cast<uid_t>(-1);

    mode_t mode = 0755;  ///< permission bits, setuid, setgid and sticky
    uid_t owner = k_leave_owner;
    gid_t group = k_leave_owner;
    std::optional<timespec> mtime;  ///< none: left as it is
    std::vector<Xattr> xattrs;
    /// Of a directory of a layer: hides what lower layers have in it. No archive can say so itself.
    bool opaque = false;
};

/// Adds a line to `result.skipped`: "<what> '<name>'" and the reason, when there is one.
void note_skipped(Imported& result, std::string_view what, std::string_view name,
                  std::string_view reason = {});

/// chown() of `name` in the directory `parent` (with an empty name: of `parent` itself), when there
/// is an owner to give and the options want it. The error for an id that is not mapped names the
/// remedy.
void apply_owner(int parent, const char* name, const Attributes& attributes,
                 const Options& options);

/// The times for utimensat(): only the mtime is changed.
struct FileTimes {
    explicit FileTimes(const timespec& mtime);
    timespec values[2];
};

/// Gives the open file or directory `fd` its attributes, in the order in which none undoes another:
/// chown() clears setuid bits and capabilities, ACLs contain the mode, and anything may move a
/// time. `name` is for messages.
void apply_attributes(int fd, std::string_view name, const Attributes& attributes,
                      const Options& options, Imported& result);

/// For entries that can't have extended attributes (links, FIFOs).
void note_skipped_xattrs(std::string_view name, const Attributes& attributes, Imported& result);

}  // namespace mstage::archive
