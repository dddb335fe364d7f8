#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/fd.hpp"

namespace mstage {

/// Whether a new file is on disk (fsync of file and directory) before the call returns.
enum class Durable { yes, no };

/// What is meant by a name that is a symbolic link.
enum class NameIsLink {
    refused,  ///< an error: nobody has a link there on purpose, or it is not ours to say
    /// The file that it leads to, as cp(1) has it; an error when that is nowhere, or when somebody
    /// else has put the link into a directory like /tmp.
    followed,
    replaced,  ///< the name: the link goes
};

/// The file that a new one under that name would take the place of; it may not be there yet. Throws
/// UsageError when there is something under the name that is no regular file (a device, a FIFO, a
/// directory, a link that is refused): to take its place would not be what was meant.
std::filesystem::path file_to_replace(const std::filesystem::path& path, NameIsLink links);

/// A file that takes its name when it is whole, in place of the file that had it: whoever opens the
/// name gets the old content or the new one, never a part. It is written in the same directory, as
/// `<name>~mstage-<random>`, and renamed by commit(); without that nothing of it stays. Being locked
/// (flock) while its writer lives, it can be told from what a killed one left. What a killed one
/// left is only removed from directories in which nobody but us chooses names: elsewhere it could be
/// somebody's own file, so what takes long is better written in a StagingDirectory.
///
/// It is as public as the umask allows; who wants another mode sets it by fd().
class AtomicFile {
public:
    /// See file_to_replace().
    explicit AtomicFile(const std::filesystem::path& path, NameIsLink links = NameIsLink::refused);
    /// The same, written in `directory`, which is in the same file system, until commit().
    AtomicFile(const std::filesystem::path& path, NameIsLink links,
               const std::filesystem::path& directory);
    AtomicFile(AtomicFile&& other) noexcept;
    AtomicFile& operator=(AtomicFile&&) = delete;
    ~AtomicFile();

    int fd() const noexcept { return m_file.get(); }
    /// Where it goes: a link's target when links are followed.
    const std::filesystem::path& path() const noexcept { return m_path; }
    void write(std::string_view bytes);

    void commit(Durable durable = Durable::no) { commit_as(m_path, durable); }
    /// Under another name, in the same file system, for names that follow from the content. What is
    /// no directory is replaced.
    void commit_as(const std::filesystem::path& path, Durable durable = Durable::no);

private:
    std::filesystem::path m_path;
    std::string m_temporary;  ///< empty when there is none (any more)
    Fd m_file;
};

/// Removes from `directory` what writers left there that died at it; those that live lose nothing.
/// For directories in which people choose no names.
void remove_dead_temporaries(const std::filesystem::path& directory);
/// Whether that is what a temporary of an AtomicFile would be called. No name that
/// escape_file_name() gives is.
bool is_temporary_name(std::string_view name);

}  // namespace mstage
