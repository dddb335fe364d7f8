#pragma once

#include <string>

#include "archive/attributes.hpp"
#include "archive/member_path.hpp"
#include "base/fd.hpp"

namespace mstage::archive {

/// What becomes of the entries of an archive, in the archive's order.
class EntrySink {
public:
    virtual ~EntrySink() = default;

    /// True when the entry's name alone says it all, and the sink has done what it says.
    virtual bool takes_name(const MemberPath& path) = 0;

    virtual void directory(const MemberPath& path, Attributes attributes) = 0;
    /// A new, empty file open for writing. Beyond this point finish_file() is due, before any other
    /// entry.
    virtual Fd create_file(const MemberPath& path) = 0;
    virtual void finish_file(Fd file, const MemberPath& path, const Attributes& attributes) = 0;
    virtual void symlink(const MemberPath& path, const std::string& target,
                         const Attributes& attributes) = 0;
    /// The target must be there already; when it is a symbolic link, that link itself gets another
    /// name.
    virtual void hard_link(const MemberPath& path, const MemberPath& target) = 0;
    virtual void fifo(const MemberPath& path, const Attributes& attributes) = 0;

    /// Nothing may be added afterwards.
    virtual void finish() = 0;
};

}  // namespace mstage::archive
