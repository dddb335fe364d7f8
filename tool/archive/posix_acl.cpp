#include "archive/posix_acl.hpp"

#include <endian.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "archive/libarchive.hpp"
#include "base/error.hpp"

namespace mstage::archive {

namespace {

struct Rule {
    std::uint16_t tag;
    std::uint16_t permissions;
    std::uint32_t id;

    bool operator<(const Rule& other) const {
        return std::tie(tag, id) < std::tie(other.tag, other.id);
    }
};

std::uint16_t kernel_tag(int tag) {
    switch (tag) {
        case ARCHIVE_ENTRY_ACL_USER_OBJ:
            return ACL_USER_OBJ;
        case ARCHIVE_ENTRY_ACL_USER:
            return ACL_USER;
        case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
            return ACL_GROUP_OBJ;
        case ARCHIVE_ENTRY_ACL_GROUP:
            return ACL_GROUP;
        case ARCHIVE_ENTRY_ACL_MASK:
            return ACL_MASK;
        case ARCHIVE_ENTRY_ACL_OTHER:
            return ACL_OTHER;
        default:
            throw Error("an access control list with an unknown kind of rule");
    }
}

std::vector<Rule> rules_of(archive_entry* entry, int want) {
    std::vector<Rule> rules;
    libarchive().archive_entry_acl_reset(entry, want);
    int type = 0;
    int permissions = 0;
    int tag = 0;
    int id = 0;
    const char* name = nullptr;
    while (libarchive().archive_entry_acl_next(entry, want, &type, &permissions, &tag, &id,
                                               &name) == ARCHIVE_OK) {
        const std::uint16_t kernels = kernel_tag(tag);
        const bool has_id = kernels == ACL_USER || kernels == ACL_GROUP;
        if (has_id && id < 0) {
            throw Error("an access control list with a name and no number");
        }
        rules.push_back({kernels, static_cast<std::uint16_t>(permissions & 7),
                         has_id ? static_cast<std::uint32_t>(id)
                                : static_cast<std::uint32_t>(ACL_UNDEFINED_ID)});
    }
    // The kernel wants them in this order.
    std::sort(rules.begin(), rules.end());
    return rules;
}

std::string encode(const std::vector<Rule>& rules) {
    std::string value;
    const auto append = [&value](const auto& field) {
        char bytes[sizeof field];
        std::memcpy(bytes, &field, sizeof field);
        value.append(bytes, sizeof field);
    };
    append(posix_acl_xattr_header{htole32(POSIX_ACL_XATTR_VERSION)});
    for (const Rule& rule : rules) {
        append(
            posix_acl_xattr_entry{htole16(rule.tag), htole16(rule.permissions), htole32(rule.id)});
    }
    return value;
}

}  // namespace

std::vector<Xattr> posix_acls_of(archive_entry* entry) {
    std::vector<Xattr> acls;
    const int types = libarchive().archive_entry_acl_types(entry);
    if ((types & ARCHIVE_ENTRY_ACL_TYPE_ACCESS) != 0) {
        acls.push_back(
            {"system.posix_acl_access", encode(rules_of(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS))});
    }
    if ((types & ARCHIVE_ENTRY_ACL_TYPE_DEFAULT) != 0) {
        acls.push_back(
            {"system.posix_acl_default", encode(rules_of(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT))});
    }
    return acls;
}

}  // namespace mstage::archive
