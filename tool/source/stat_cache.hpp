#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace mstage::source {

/// What tells, without reading a file, that it is the file that was read before. The device is not
/// in it: its number changes from boot to boot on some file systems, and inode and change time say
/// enough.
struct FileStatus {
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
    std::int64_t mtime = 0;  ///< nanoseconds, like ctime
    std::int64_t ctime = 0;
    std::uint32_t mode = 0;  ///< type and permissions
    std::uint32_t padding = 0;

    bool operator==(const FileStatus&) const = default;
};

/// Directories: only the mode; what else they have changes with what is in them.
FileStatus status_of(const struct stat& info);

/// The time that the kernel would give a file that changed now.
std::int64_t file_system_clock();

/// A file as memory; empty when there is none. Only for files that are never changed but replaced
/// as a whole.
class MappedFile {
public:
    explicit MappedFile(const std::filesystem::path& path);
    MappedFile(MappedFile&&) = delete;
    ~MappedFile();
    std::string_view data() const { return m_data; }

private:
    std::string_view m_data;
};

/// The hashes that the last scan found, read from its file and asked in the order of paths.
///
/// The file, in the machine's own byte order (it belongs to a build tree and goes with it):
///
///     "mstage-stat-cache 1\n"
///     Header       (stat_cache.cpp) with the number of records and a checksum of all that follows
///     key          ScanOptions::key
///     records      FileStatus, u32 length of path, u32 length of hash (64 or 0), path, hash;
///                  sorted by the bytes of the path
///
/// A file of another version, or one that is not whole, is no cache. There is no upgrade.
///
/// A file that changed in the clock tick in which it was hashed may look the same afterwards. So a
/// record is only trusted when both its times are older than the start of the scan that made it
/// (`scanned`).
class StatCache {
public:
    struct Record {
        FileStatus status;
        std::string_view path;
        std::string_view hash;
    };

    /// Empty when there is none that can be used. `key`: see ScanOptions::key.
    StatCache(const std::filesystem::path& path, const std::string& key);

    /// `path` must be greater than the one asked for before. The pointer is good until the next
    /// call.
    const Record* find(std::string_view path);
    /// Whether the record's status would still be the same after the file had been changed again.
    bool trusts(const FileStatus& status) const;

    bool exists() const { return m_exists; }
    size_t size() const { return m_count; }
    /// See settle() in scan.hpp.
    bool settled() const { return m_settled; }
    bool has_same_key() const { return m_has_same_key; }
    std::uint64_t id() const { return m_id; }

private:
    void advance();

    MappedFile m_file;
    std::string_view m_rest;
    bool m_exists = false;
    std::optional<Record> m_current;
    size_t m_count = 0;
    std::int64_t m_scanned = 0;
    std::uint64_t m_id = 0;
    bool m_settled = false;
    bool m_has_same_key = false;
};

/// Collects the records of a new cache, in the order of their paths.
class StatCacheWriter {
public:
    explicit StatCacheWriter(std::int64_t scanned) : m_scanned(scanned) {}
    void add(const StatCache::Record& record);
    /// Replaces the file as a whole. Returns the new cache's id.
    std::uint64_t write(const std::filesystem::path& path, const std::string& key, bool settled);

private:
    std::int64_t m_scanned;
    std::uint64_t m_count = 0;
    std::string m_records;
};

/// The rule behind trusts(): times that are older than a scan which began at `scanned`.
bool is_older(const FileStatus& status, std::int64_t scanned);

/// Marks the cache as settled if it is still the one with this id.
void settle_cache(const std::filesystem::path& path, std::uint64_t id);

}  // namespace mstage::source
