#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "sandbox/id_map.hpp"

namespace mstage::sandbox {

/// Who a command runs as, by ids of the sandbox.
struct User {
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups{};  ///< supplementary, with `gid`, sorted; empty: none
    std::string home = "/root";

    /// What every sandbox starts as: nothing has to be done to become it.
    bool is_plain_root() const;
    bool operator==(const User&) const = default;
};

/// Throws UsageError unless `text` has one of the forms "user", "uid", "user:group", "uid:gid".
void check_user_text(const std::string& text);

/// Who `text`, of such a form, is in the image whose root directory is `root`, by its own
/// /etc/passwd and /etc/group, read as a process inside would read them. A name goes before a
/// number. As container engines have it: a number that no entry has is taken as it is, with group 0
/// and the home directory "/"; with a group given, it is the only one, without it there are those
/// of which the user is a member.
///
/// Throws Error when there is no such user or group, or when `ids` does not map one of the ids.
/// `image` is what the message calls the image.
User find_user(int root, const std::string& text, const IdMap& ids, const std::string& image);

}  // namespace mstage::sandbox
