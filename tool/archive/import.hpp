#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mstage::archive {

/// How a root filesystem gets into a directory of ours. Both functions
///  * want a directory that is empty and that nobody else writes to; when they throw it holds a part
///    of the tree, for the caller to remove;
///  * create, change, read and link nothing outside it, whatever the archive or the tree holds:
///    names are resolved as a process with that directory as its root would see them;
///  * keep owners, modes (with setuid, setgid and sticky), nanosecond mtimes, symbolic and hard
///    links, FIFOs, holes, user.* attributes, POSIX ACLs and file capabilities;
///  * leave out what must not or cannot come in (devices, sockets, overlayfs' own attributes, …) and
///    say so in `Imported::skipped`;
///  * set the process's umask while they run: they are for a process with one thread.
/// Nothing is synced to disk.

struct Options {
    /// With false everything belongs to the caller: for a user namespace that maps no other ids.
    bool keep_owners = true;
    /// For copy_into_tree(): the directory holds a tree already, whose root keeps its attributes.
    bool into_existing = false;
};

struct Imported {
    /// What was made; a name that came twice counts twice.
    std::uint64_t entries = 0;
    /// Of file contents, holes not counted.
    std::uint64_t bytes = 0;
    /// For people, as "device 'dev/null'"; control characters are escaped. The first hundred …
    std::vector<std::string> skipped;
    /// … of so many.
    std::uint64_t skipped_count = 0;
};

/// Unpacks the tar that `input_fd` gives (a file or a pipe, read from where it stands; plain or
/// compressed with gzip, bzip2, xz, lzma or zstd). A name that comes again replaces what was there,
/// as with tar, and names that hold ".." are refused. An archive without its end mark is taken for
/// a truncated one. The root gets mode 0755 when the archive does not name it.
Imported unpack_tar(int input_fd, int dir_fd, const Options& options = {});

/// Copies what is below the directory `source_fd`, and that directory's own attributes. Other file
/// systems mounted in it become empty directories. Data is shared with the source where the file
/// system can.
Imported copy_tree(int source_fd, int dir_fd, const Options& options = {});

/// Copies `source` of the tree `source_root`, with all that is below it when it is a directory, to
/// `destination` in the tree `dir_fd`, which may have anything already: what has the name of a copy
/// is replaced, directories are filled. Both paths are as a process inside of their tree sees them,
/// but for a symbolic link at the end of `source`, which is copied itself. Directories that are
/// missing on the way to `destination` are made.
Imported copy_into_tree(int source_root, const std::string& source, int dir_fd,
                        const std::string& destination, Options options = {});

}  // namespace mstage::archive
