#pragma once

#include <string>
#include <vector>

#include "base/fd.hpp"

namespace mstage::sandbox {

/// An overlay in a user namespace cannot take a directory in which something is mounted (a
/// container's /etc/resolv.conf, say). While this object lives, this process sees the system
/// directories named (below "/") without what is mounted in them, and so do children that it makes
/// meanwhile, also afterwards. Then it sees them as before.
///
/// Does nothing when nothing is mounted there, or where that is not allowed: then mounting the
/// overlay says what is wrong.
class HiddenSubmounts {
public:
    explicit HiddenSubmounts(const std::vector<std::string>& directories);
    HiddenSubmounts(const HiddenSubmounts&) = delete;
    HiddenSubmounts& operator=(const HiddenSubmounts&) = delete;
    ~HiddenSubmounts();

private:
    Fd m_namespace;
    Fd m_working_directory;
};

}  // namespace mstage::sandbox
