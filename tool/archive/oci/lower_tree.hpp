#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "archive/read_attributes.hpp"
#include "base/fd.hpp"

namespace mstage::archive {

/// What the layers below a layer look like together. It is opened when somebody wants to know, and
/// remembers that somebody did.
///
/// Paths are relative to its root, without "." and ".."; none of their directories is a symbolic
/// link, or there is nothing.
class LowerTree {
public:
    /// `open` gives the root of the merged tree; an empty function, or an empty Fd: nothing is
    /// below.
    explicit LowerTree(std::function<Fd()> open) : m_open(std::move(open)) {}

    /// Whether what was unpacked depends on it, other than by the root's own attributes.
    bool was_consulted() const noexcept { return m_consulted; }

    std::optional<struct statx> find(const std::string& path);
    /// Of a directory. For the root, does not count as a consultation: see layers that name no root
    /// in unpack_layer.hpp.
    std::optional<Attributes> attributes_of_directory(const std::string& path);
    std::string link_target(const std::string& path);
    std::vector<std::string> names(const std::string& path);
    Fd open(const std::string& path, int flags);

private:
    Fd try_open(const std::string& path, int flags);

    std::function<Fd()> m_open;
    Fd m_root;
    bool m_opened = false;
    bool m_consulted = false;
};

}  // namespace mstage::archive
