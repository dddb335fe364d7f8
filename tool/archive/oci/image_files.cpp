#include "archive/oci/image_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "archive/byte_source.hpp"
#include "archive/confined_open.hpp"
#include "archive/import.hpp"
#include "archive/libarchive.hpp"
#include "archive/member_path.hpp"
#include "base/error.hpp"

namespace mstage::archive {

namespace fs = std::filesystem;

namespace {

off_t size_of(const Fd& file) {
    struct stat info {};
    return ::fstat(file.get(), &info) == 0 ? info.st_size : 0;
}

Fd duplicate(const Fd& file) {
    Fd copy(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy) {
        throw SysError(errno, "opening the archive once more");
    }
    return copy;
}

class DirectoryFiles : public ImageFiles {
public:
    explicit DirectoryFiles(const fs::path& directory)
        : m_directory(open_fd(directory, O_RDONLY | O_DIRECTORY)) {}

    std::optional<FileRange> find(const std::string& path) const override {
        // O_NONBLOCK: a FIFO must not keep us waiting.
        Fd file = open_confined(m_directory.get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY,
                                Links::as_seen_from_root);
        struct stat info {};
        if (!file && errno != ENOENT && errno != ENOTDIR) {
            throw SysError(errno, "opening '{}'", printable(path));
        }
        if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
            return std::nullopt;
        }
        return FileRange{std::move(file), 0, info.st_size};
    }

private:
    Fd m_directory;
};

/// Where the members of a tar are in it, from one walk over its headers.
class ArchiveFiles : public ImageFiles {
public:
    explicit ArchiveFiles(Fd archive) : m_archive(std::move(archive)) {
        ArchiveHandle reader = open_reader();
        Member member;
        std::string name;
        while (archive_entry* entry = next_entry(reader.get())) {
            settle(name, member, libarchive().archive_read_header_position(reader.get()));
            const char* raw_name = libarchive().archive_entry_pathname(entry);
            name = MemberPath::parse(raw_name != nullptr ? raw_name : "").str();
            const char* target = libarchive().archive_entry_symlink(entry);
            member = {.is_file = libarchive().archive_entry_filetype(entry) == AE_IFREG &&
                                 libarchive().archive_entry_hardlink(entry) == nullptr,
                      .size = libarchive().archive_entry_size(entry),
                      .target = target != nullptr ? target : ""};
        }
        settle(name, member, libarchive().archive_read_header_position(reader.get()));
    }

    std::optional<FileRange> find(const std::string& path) const override {
        constexpr int k_most_links = 8;
        std::string name = path;
        for (int links = 0; links < k_most_links; ++links) {
            const auto found = m_members.find(name);
            if (found == m_members.end()) {
                return std::nullopt;
            }
            const Member& member = found->second;
            if (member.is_file) {
                return FileRange{duplicate(m_archive), member.begin, member.size};
            }
            name = (fs::path(name).parent_path() / member.target).lexically_normal().native();
        }
        return std::nullopt;
    }

private:
    struct Member {
        bool is_file = false;
        off_t size = 0;
        std::string target{};
        off_t begin = 0;
    };

    ArchiveHandle open_reader() const {
        ArchiveHandle reader(libarchive().archive_read_new());
        if (!reader) {
            throw SysError(ENOMEM, "reading the archive");
        }
        libarchive().archive_read_support_format_tar(reader.get());
        constexpr size_t k_block_size = 16UL * 1024;  // data is passed over by seeking
        if (libarchive().archive_read_open_fd(reader.get(), m_archive.get(), k_block_size) !=
            ARCHIVE_OK) {
            throw Error("it is no tar archive");
        }
        return reader;
    }

    static archive_entry* next_entry(::archive* reader) {
        archive_entry* entry = nullptr;
        const int result = libarchive().archive_read_next_header(reader, &entry);
        if (result == ARCHIVE_EOF) {
            return nullptr;
        }
        if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
            const char* text = libarchive().archive_error_string(reader);
            throw Error("{}", printable(text != nullptr ? text : "it is no tar archive"));
        }
        return entry;
    }

    /// Data ends, padded to whole blocks, where the next header begins.
    void settle(const std::string& name, Member& member, off_t end) {
        constexpr off_t k_block = 512;
        member.begin = end - (member.size + k_block - 1) / k_block * k_block;
        if (member.is_file && member.begin + member.size > size_of(m_archive)) {
            throw Error("the archive is truncated in '{}'", printable(name));
        }
        if (!name.empty() && (member.is_file || !member.target.empty())) {
            m_members.insert_or_assign(name, std::move(member));
        }
    }

    Fd m_archive;
    std::map<std::string, Member> m_members;
};

bool is_compressed(const Fd& file) {
    char magic[6] = {};
    const ssize_t count = ::pread(file.get(), magic, sizeof magic, 0);
    const std::string_view bytes(magic, static_cast<size_t>(std::max<ssize_t>(count, 0)));
    for (const std::string_view known : {"\x1f\x8b", "\x28\xb5\x2f\xfd",
                                         "\xfd"
                                         "7zXZ",
                                         "BZh"}) {
        if (bytes.starts_with(known)) {
            return true;
        }
    }
    return false;
}

}  // namespace

FileRange ImageFiles::get(const std::string& path) const {
    auto file = find(path);
    if (!file) {
        throw Error("it has no file '{}'", printable(path));
    }
    return std::move(*file);
}

std::unique_ptr<ImageFiles> files_of_directory(const fs::path& directory) {
    return std::make_unique<DirectoryFiles>(directory);
}

std::unique_ptr<ImageFiles> files_of_archive(const fs::path& archive, const fs::path& scratch) {
    Fd file = open_fd(archive, O_RDONLY);
    if (!is_compressed(file)) {
        return std::make_unique<ArchiveFiles>(std::move(file));
    }
    const Fd directory = open_fd(scratch, O_RDONLY | O_DIRECTORY);
    unpack_tar(file.get(), directory.get(), {.keep_owners = false});
    return std::make_unique<DirectoryFiles>(scratch);
}

}  // namespace mstage::archive
