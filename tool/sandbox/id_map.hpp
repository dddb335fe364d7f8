#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mstage::sandbox {

/// How the ids inside a sandbox relate to those outside.
enum class IdMode {
    identity,  ///< root maps every id that there is to itself
    ranges,    ///< a user is 0 inside and has the ids of /etc/subuid and /etc/subgid from 1 on
    single,    ///< a user without such ranges is 0 inside and there is nobody else
};

struct IdExtent {
    std::uint32_t inside;
    std::uint32_t outside;
    std::uint32_t count;
    bool operator==(const IdExtent&) const = default;
};

struct IdMap {
    IdMode mode = IdMode::single;
    std::vector<IdExtent> uids;
    std::vector<IdExtent> gids;
};

/// The map that this process may set up: identity with the capabilities for it, else ranges when
/// the user has them and newuidmap and newgidmap (package uidmap) are there, else single.
IdMap detect_id_map();

/// Writes the map of `pid`, a child in a new user namespace that waits for it. Throws Error.
void apply_id_map(const IdMap& map, pid_t pid);

/// The extents that `text`, the content of /etc/subuid, gives to `user` or to `id`, for inside ids
/// from 1 on.
std::vector<IdExtent> parse_subid(const std::string& text, const std::string& user, uid_t id);

}  // namespace mstage::sandbox
