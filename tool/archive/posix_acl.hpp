#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <vector>

#include "archive/attributes.hpp"

namespace mstage::archive {

/// The POSIX ACLs of a tar entry as the extended attributes system.posix_acl_access and
/// system.posix_acl_default; none when it has none. Throws Error for an ACL that names a user or
/// group without its number.
std::vector<Xattr> posix_acls_of(archive_entry* entry);

}  // namespace mstage::archive
