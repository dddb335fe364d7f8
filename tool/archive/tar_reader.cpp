// tar, as libarchive reads it, into a sink.
//
// libarchive parses and decompresses; its own writer to disk is not used, because it resolves names
// by path and defers what it does to them. Of its readers only tar is enabled, and of its filters
// (see ByteSource) those that tars come in: the others are where its security bugs are.

#include <unistd.h>

#include <cerrno>
#include <limits>

#include "archive/byte_source.hpp"
#include "archive/import.hpp"
#include "archive/libarchive.hpp"
#include "archive/member_path.hpp"
#include "archive/posix_acl.hpp"
#include "archive/tar_reader.hpp"
#include "archive/tree_sink.hpp"
#include "base/error.hpp"

namespace mstage::archive {

namespace {

Error reader_error(::archive* reader, std::string_view doing = {}) {
    const char* text = libarchive().archive_error_string(reader);
    return Error("{}{}", doing, printable(text != nullptr ? text : "unknown error"));
}

/// libarchive is C: no exception may pass through it.
la_ssize_t read_block(::archive* reader, void* source, const void** block) {
    try {
        const std::string_view bytes = static_cast<BlockStream*>(source)->next_block();
        *block = bytes.data();
        return static_cast<la_ssize_t>(bytes.size());
    } catch (const std::exception& error) {
        libarchive().archive_set_error(reader, EIO, "%s", error.what());
        return -1;
    }
}

ArchiveHandle open_reader(BlockStream& source) {
    ArchiveHandle reader(libarchive().archive_read_new());
    if (!reader) {
        throw SysError(ENOMEM, "reading the archive");
    }
    libarchive().archive_read_support_format_tar(reader.get());
    if (libarchive().archive_read_open(reader.get(), &source, nullptr, read_block, nullptr) !=
        ARCHIVE_OK) {
        throw with_hint(reader_error(reader.get(), "at its start: "),
                        "what can be read are tars, plain or compressed with gzip, bzip2, xz, lzma "
                        "or zstd");
    }
    return reader;
}

/// File names are bytes to us. Those in pax headers are UTF-8 to libarchive, which converts them to
/// the process's character set; what has no form in it (most, since we never call setlocale())
/// comes through as it is, with a warning. All other warnings are about headers that could not be
/// understood.
bool is_only_about_charset(::archive* reader) {
    return libarchive().archive_errno(reader) == EILSEQ;
}

/// The file offset of the end of what was read is behind the last header's start only when there
/// was an end mark.
bool has_end_mark(::archive* reader) {
    return libarchive().archive_filter_bytes(reader, 0) >
           libarchive().archive_read_header_position(reader);
}

/// The next entry, or null at the end of the archive.
archive_entry* next_entry(::archive* reader) {
    archive_entry* entry = nullptr;
    const int result = libarchive().archive_read_next_header(reader, &entry);
    if (result == ARCHIVE_OK || (result == ARCHIVE_WARN && is_only_about_charset(reader))) {
        return entry;
    }
    if (result != ARCHIVE_EOF) {
        throw reader_error(reader);
    }
    if (!has_end_mark(reader)) {
        throw with_hint(Error("the archive is truncated: its end mark is missing"),
                        "if it is whole, append the mark: head -c 1024 /dev/zero >> FILE "
                        "(before compression)");
    }
    return nullptr;
}

uid_t owner_id(la_int64_t id) {
    // The highest id is none: chown() takes it for "leave as it is".
    if (id < 0 || id >= std::numeric_limits<uid_t>::max()) {
        throw Error("owner {} is out of range", id);
    }
    return static_cast<uid_t>(id);
}

/// "-1.5" is minus one second and plus half of one to libarchive. (That of "-0.5" it does not keep
/// the sign at all.)
timespec right_time(timespec time) {
    if (time.tv_sec < 0 && time.tv_sec > std::numeric_limits<time_t>::min() && time.tv_nsec > 0) {
        time.tv_sec -= 1;
        time.tv_nsec = 1'000'000'000 - time.tv_nsec;
    }
    return time;
}

Attributes attributes_of(archive_entry* entry) {
    Attributes attributes;
    attributes.mode = libarchive().archive_entry_perm(entry) & 07777;
    attributes.owner = owner_id(libarchive().archive_entry_uid(entry));
    attributes.group = owner_id(libarchive().archive_entry_gid(entry));
    if (libarchive().archive_entry_mtime_is_set(entry) != 0) {
        attributes.mtime = right_time({libarchive().archive_entry_mtime(entry),
                                       libarchive().archive_entry_mtime_nsec(entry)});
    }
    if (libarchive().archive_entry_acl_types(entry) != 0) {
        attributes.xattrs = posix_acls_of(entry);
    }
    libarchive().archive_entry_xattr_reset(entry);
    const char* name = nullptr;
    const void* value = nullptr;
    size_t size = 0;
    while (libarchive().archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
        attributes.xattrs.push_back({name, std::string(static_cast<const char*>(value), size)});
    }
    return attributes;
}

void write_at(int fd, const char* data, size_t size, la_int64_t offset) {
    while (size > 0) {
        const ssize_t count = ::pwrite(fd, data, size, offset);
        if (count < 0) {
            if (errno == EINTR) {
                continue;
            }
            throw SysError(errno, "writing its data");
        }
        data += count;
        size -= static_cast<size_t>(count);
        offset += count;
    }
}

/// Copies the entry's data. Holes come as gaps between the blocks and stay holes.
void write_data(::archive* reader, archive_entry* entry, int fd, Imported& result) {
    const void* block = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    la_int64_t end = 0;
    int status = ARCHIVE_OK;
    while ((status = libarchive().archive_read_data_block(reader, &block, &size, &offset)) ==
           ARCHIVE_OK) {
        write_at(fd, static_cast<const char*>(block), size, offset);
        end = offset + static_cast<la_int64_t>(size);
        result.bytes += size;
    }
    if (status != ARCHIVE_EOF) {
        throw reader_error(reader, "reading its data: ");
    }
    if (libarchive().archive_entry_size(entry) > end &&
        ::ftruncate(fd, libarchive().archive_entry_size(entry)) != 0) {
        throw SysError(errno, "making it {} bytes long", libarchive().archive_entry_size(entry));
    }
}

/// Old tars mark a directory by a '/' behind its name only.
mode_t type_of(archive_entry* entry, std::string_view name) {
    const mode_t type = libarchive().archive_entry_filetype(entry);
    return (type == AE_IFREG || type == 0) && name.ends_with('/') ? AE_IFDIR : type;
}

void unpack_entry(::archive* reader, archive_entry* entry, std::string_view name, EntrySink& sink,
                  Imported& result) {
    if (name.empty()) {
        throw Error("it has no name");
    }
    const MemberPath path = MemberPath::parse(name);
    if (sink.takes_name(path)) {
        return;
    }
    if (const char* target = libarchive().archive_entry_hardlink(entry)) {
        // Attributes and data that come with it are those of the file that it is a name of, and
        // that has them.
        sink.hard_link(path, MemberPath::parse(target));
        return;
    }
    switch (type_of(entry, name)) {
        case AE_IFREG: {
            Fd file = sink.create_file(path);
            write_data(reader, entry, file.get(), result);
            sink.finish_file(std::move(file), path, attributes_of(entry));
            break;
        }
        case AE_IFDIR:
            sink.directory(path, attributes_of(entry));
            break;
        case AE_IFLNK: {
            const char* target = libarchive().archive_entry_symlink(entry);
            if (target == nullptr || *target == '\0') {
                throw Error("a symbolic link without a target");
            }
            sink.symlink(path, target, attributes_of(entry));
            break;
        }
        case AE_IFIFO:
            sink.fifo(path, attributes_of(entry));
            break;
        case AE_IFCHR:
        case AE_IFBLK:
            note_skipped(result, "device", path.str());
            break;
        case AE_IFSOCK:
            note_skipped(result, "socket", path.str());
            break;
        default:
            // As libarchive reports a hard link without a target, too.
            throw Error("its type is unknown, or it is a link without a target");
    }
}

/// A name for messages: the start of one that is too long to be of use.
std::string shown(std::string_view name) {
    constexpr size_t k_most = 1000;
    return printable(name.substr(0, k_most)) + (name.size() > k_most ? "…" : "");
}

/// Where reading stopped, for errors that have no entry of their own.
std::string after(std::string_view last_name) {
    return last_name.empty() ? "at its start" : fmt::format("after entry '{}'", shown(last_name));
}

archive_entry* next_entry_after(::archive* reader, std::string_view last_name) {
    try {
        return next_entry(reader);
    } catch (Error& error) {
        error.add_context(after(last_name));
        throw;
    }
}

}  // namespace

void read_tar(BlockStream& source, EntrySink& sink, Imported& result) {
    const ArchiveHandle reader = open_reader(source);
    std::string name;
    while (archive_entry* entry = next_entry_after(reader.get(), name)) {
        const char* raw_name = libarchive().archive_entry_pathname(entry);
        name = raw_name != nullptr ? raw_name : "";
        try {
            unpack_entry(reader.get(), entry, name, sink, result);
        } catch (Error& error) {
            error.add_context(fmt::format("entry '{}'", shown(name)));
            throw;
        }
    }
    with_context(after(name), [&] { source.drain(); });
    sink.finish();
}

Imported unpack_tar(int input_fd, int dir_fd, const Options& options) {
    ByteSource source = with_context("at its start", [&] { return ByteSource(input_fd); });
    Imported result;
    TreeSink sink(dir_fd, options, result);
    read_tar(source, sink, result);
    return result;
}

}  // namespace mstage::archive
