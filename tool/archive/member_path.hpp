#pragma once

#include <string>
#include <string_view>

namespace mstage::archive {

/// Where an entry goes, below the root of the tree.
///  * Relative, components separated by one '/', no "." and no "..", no '/' at the end.
///  * Empty: the root itself.
///  * Bytes, not text: control characters and what is no UTF-8 are left as they are.
///  * May be longer than PATH_MAX.
class MemberPath {
public:
    /// "/usr//bin/./x/" is "usr/bin/x". Throws Error when a component is "..": no program that
    /// packs a root filesystem writes one.
    static MemberPath parse(std::string_view name);

    bool is_root() const { return m_path.empty(); }
    const std::string& str() const { return m_path; }
    /// The path of the directory that it is in; empty for the root's children. Not for the root.
    std::string_view parent() const;
    /// The last component. Not for the root.
    std::string leaf() const;

private:
    std::string m_path;
};

/// A name for messages: one line, nothing in it that a terminal would act on.
std::string printable(std::string_view name);

}  // namespace mstage::archive
