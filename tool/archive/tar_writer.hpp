#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "archive/attributes.hpp"
#include "archive/member_path.hpp"

namespace mstage::archive {

enum class MemberType { file, hard_link, symlink, fifo, directory };

struct TarMember {
    MemberPath path;  ///< the root is written as "./"
    MemberType type = MemberType::file;
    Attributes attributes{};  ///< without an owner: of 0:0; without a time: of 1970
    std::uint64_t size = 0;   ///< of a file: of the data to come
    std::string target{};     ///< of a link; a hard link's is the path of an earlier member
};

/// Of 0:0 and of 1970.
Attributes root_attributes(mode_t mode);

/// Writes a tar whose bytes follow from its members alone: ustar headers, and in front of those that
/// can't say all, a pax header with just what is missing: long names and targets, big numbers,
/// nanoseconds, extended attributes (SCHILY.xattr.*, sorted). Names are bytes. No user or group
/// names.
///
/// This is not libarchive's writer because blobs are named by their digests, so that the same image
/// has to become the same bytes on every machine: libarchive converts names by the process's locale,
/// in the "C" locale marks every name that is no ASCII as "hdrcharset=BINARY" (which GNU tar
/// complains about), and what it writes has changed between its versions.
///
/// An attribute whose name has a '=' in it, which would end it there, is written in libarchive's
/// other form (LIBARCHIVE.xattr.*, name and value encoded), which fewer programs read. Files are
/// written in full, holes and all: forms for those are not portable.
class TarWriter {
public:
    using Output = std::function<void(std::string_view)>;

    /// `output` gets the archive in pieces of some 100 KiB.
    explicit TarWriter(Output output);

    /// Beyond this point `member.size` bytes of data are due, before the next member.
    void member(const TarMember& member);
    void data(std::string_view bytes);
    /// The end mark. The archive is good only with it.
    void finish();

private:
    void put(std::string_view bytes);
    void pad();
    void flush();

    Output m_output;
    std::string m_buffer;
    std::uint64_t m_size = 0;  ///< of everything so far
    std::uint64_t m_due = 0;   ///< of the member's data
};

}  // namespace mstage::archive
