#include "sandbox/user.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace mstage::sandbox {

namespace {

struct CloseFile {
    void operator()(FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<FILE, CloseFile>;

struct Names {
    std::string user;
    std::optional<std::string> group;
};

Names split_names(const std::string& text) {
    const size_t colon = text.find(':');
    if (colon == std::string::npos) {
        return {text, std::nullopt};
    }
    return {text.substr(0, colon), text.substr(colon + 1)};
}

/// Nothing when the text is no id. The highest one means "none" to the kernel.
std::optional<std::uint32_t> parse_id(const std::string& text) {
    std::uint32_t id = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, id);
    const bool good = error == std::errc() && stop == end && id != ~0U;
    return good ? std::optional(id) : std::nullopt;
}

/// A file of holes could be read for hours.
constexpr off_t k_max_database = 64L << 20;

/// Nothing when the image has none. What is no regular file could keep us waiting.
File open_database(int root, const char* path) {
    Fd fd = try_open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode) ||
        info.st_size > k_max_database) {
        return nullptr;
    }
    File file(::fdopen(fd.get(), "re"));
    if (file) {
        [[maybe_unused]] const int owned_by_file = fd.release();
    }
    return file;
}

/// The first entry that `wanted` takes.
template <typename Entry>
std::optional<Entry> find_entry(int root, const char* path, Entry* (*next)(FILE*),
                                const std::function<bool(const Entry&)>& wanted) {
    const File file = open_database(root, path);
    while (file) {
        const Entry* entry = next(file.get());
        if (entry == nullptr) {
            break;
        }
        if (wanted(*entry)) {
            return *entry;  // its texts stay until the next call
        }
    }
    return std::nullopt;
}

std::optional<passwd> find_passwd(int root, const std::function<bool(const passwd&)>& wanted) {
    return find_entry<passwd>(root, "/etc/passwd", ::fgetpwent, wanted);
}

std::optional<group> find_group(int root, const std::function<bool(const group&)>& wanted) {
    return find_entry<group>(root, "/etc/group", ::fgetgrent, wanted);
}

bool has_member(const group& entry, const std::string& user) {
    for (char** member = entry.gr_mem; *member != nullptr; ++member) {
        if (user == *member) {
            return true;
        }
    }
    return false;
}

std::vector<gid_t> groups_of(int root, const std::string& user, gid_t primary) {
    std::vector<gid_t> groups = {primary};
    find_group(root, [&](const group& entry) {
        if (has_member(entry, user)) {
            groups.push_back(entry.gr_gid);
        }
        return false;
    });
    std::ranges::sort(groups);
    groups.erase(std::ranges::unique(groups).begin(), groups.end());
    return groups;
}

Error no_such(const char* kind, const std::string& name, const std::string& image) {
    return with_hint(Error("{} has no {} '{}'", image, kind, name),
                     fmt::format("its /etc/{} knows none of that name; a number is taken as it is",
                                 kind == std::string("user") ? "passwd" : "group"));
}

void set_user(int root, const std::string& name, const std::string& image, User& user,
              std::string& login) {
    const auto id = parse_id(name);
    auto entry = find_passwd(root, [&](const passwd& item) { return name == item.pw_name; });
    if (!entry && id) {
        entry = find_passwd(root, [&](const passwd& item) { return *id == item.pw_uid; });
    }
    if (entry) {
        user.uid = entry->pw_uid;
        user.gid = entry->pw_gid;
        login = entry->pw_name;
    } else if (id) {
        user.uid = *id;
        user.gid = 0;
    } else {
        throw no_such("user", name, image);
    }
    const std::string home = entry ? entry->pw_dir : "";
    user.home = home.empty() ? std::string("/") : home;
}

gid_t group_id(int root, const std::string& name, const std::string& image) {
    const auto entry = find_group(root, [&](const group& item) { return name == item.gr_name; });
    const auto id = parse_id(name);
    if (!entry && !id) {
        throw no_such("group", name, image);
    }
    return entry ? entry->gr_gid : *id;
}

bool maps(const std::vector<IdExtent>& extents, std::uint32_t id) {
    return std::ranges::any_of(extents, [&](const IdExtent& extent) {
        return id >= extent.inside && id - extent.inside < extent.count;
    });
}

void check_mapped(const User& user, const std::string& text, const IdMap& ids,
                  const std::string& image) {
    const bool mapped =
        maps(ids.uids, user.uid) && maps(ids.gids, user.gid) &&
        std::ranges::all_of(user.groups, [&](gid_t id) { return maps(ids.gids, id); });
    if (mapped) {
        return;
    }
    if (ids.mode == IdMode::single) {
        throw with_hint(Error("commands cannot run as user '{}' of {} here, only as root: you have "
                              "no ids of your own to be others with",
                              text, image),
                        "give yourself ranges in /etc/subuid and /etc/subgid (and install the "
                        "package 'uidmap'), or let the command run as 'root'");
    }
    throw with_hint(Error("user '{}' of {} has an id that is not mapped: user {}, group {}", text,
                          image, user.uid, user.gid),
                    "take a lower id, or a longer range in /etc/subuid and /etc/subgid");
}

}  // namespace

bool User::is_plain_root() const {
    const bool no_more_groups = groups.empty() || groups == std::vector<gid_t>{0};
    return uid == 0 && gid == 0 && no_more_groups;
}

void check_user_text(const std::string& text) {
    const Names names = split_names(text);
    const auto is_good = [](const std::string& name) {
        return !name.empty() && name.find_first_of(": \t\r\n/,") == std::string::npos;
    };
    if (!is_good(names.user) || (names.group && !is_good(*names.group))) {
        throw UsageError("'{}' is no user: it has to be USER, UID, USER:GROUP or UID:GID", text);
    }
}

User find_user(int root, const std::string& text, const IdMap& ids, const std::string& image) {
    check_user_text(text);
    const Names names = split_names(text);
    User user;
    std::string login;
    set_user(root, names.user, image, user, login);
    if (names.group) {
        user.gid = group_id(root, *names.group, image);
        user.groups = {user.gid};
    } else {
        user.groups = groups_of(root, login, user.gid);
    }
    if (ids.mode == IdMode::single && user.uid == 0 && user.gid == 0) {
        user.groups.clear();  // there are no others
    }
    check_mapped(user, text, ids, image);
    return user;
}

}  // namespace mstage::sandbox
