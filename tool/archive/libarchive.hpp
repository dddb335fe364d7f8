#pragma once

#include <archive.h>
#include <archive_entry.h>

namespace mstage::archive {

/// The functions of libarchive that we use, from the shared library, which is loaded when the first
/// of them is wanted. It brings a dozen libraries along whose loading takes longer than all else
/// that the helper does before it starts a stage, and only imports need it.
#define MSTAGE_LIBARCHIVE_FUNCTIONS(X)   \
    X(archive_entry_acl_next)            \
    X(archive_entry_acl_reset)           \
    X(archive_entry_acl_types)           \
    X(archive_entry_filetype)            \
    X(archive_entry_gid)                 \
    X(archive_entry_hardlink)            \
    X(archive_entry_mtime)               \
    X(archive_entry_mtime_is_set)        \
    X(archive_entry_mtime_nsec)          \
    X(archive_entry_pathname)            \
    X(archive_entry_perm)                \
    X(archive_entry_size)                \
    X(archive_entry_symlink)             \
    X(archive_entry_uid)                 \
    X(archive_entry_xattr_next)          \
    X(archive_entry_xattr_reset)         \
    X(archive_errno)                     \
    X(archive_error_string)              \
    X(archive_filter_bytes)              \
    X(archive_read_data_block)           \
    X(archive_read_free)                 \
    X(archive_read_header_position)      \
    X(archive_read_new)                  \
    X(archive_read_next_header)          \
    X(archive_read_open)                 \
    X(archive_read_open_fd)              \
    X(archive_read_support_filter_bzip2) \
    X(archive_read_support_filter_gzip)  \
    X(archive_read_support_filter_lzma)  \
    X(archive_read_support_filter_xz)    \
    X(archive_read_support_filter_zstd)  \
    X(archive_read_support_format_empty) \
    X(archive_read_support_format_raw)   \
    X(archive_read_support_format_tar)   \
    X(archive_set_error)

struct Libarchive {
// NOLINTNEXTLINE(bugprone-macro-parentheses): it is a name that is declared
#define MSTAGE_POINTER(name) decltype(&::name) name = nullptr;
    MSTAGE_LIBARCHIVE_FUNCTIONS(MSTAGE_POINTER)
#undef MSTAGE_POINTER
};

/// Throws Error when the library cannot be loaded.
const Libarchive& libarchive();

}  // namespace mstage::archive
