#pragma once

#include <sys/stat.h>

#include <string>

#include "archive/attributes.hpp"

namespace mstage::archive {

/// Of `name` in `directory`, a link itself; of `directory` when the name is empty.
struct statx look_at(int directory, const std::string& name);

Attributes attributes_of(const struct statx& info);
/// With the extended attributes of the open file.
Attributes attributes_of(const struct statx& info, int fd);

std::string read_link(int directory, const std::string& name);

}  // namespace mstage::archive
