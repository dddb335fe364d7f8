#include "source/stat_cache.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"

namespace mstage::source {

namespace {

constexpr std::string_view k_magic = "mstage-stat-cache 1\n";
constexpr std::int64_t k_second = 1'000'000'000;

struct Header {
    std::uint64_t id;       ///< tells this file from those that replace it
    std::uint64_t settled;  ///< changed in place, so not part of the checksum
    std::int64_t scanned;
    std::uint64_t count;
    std::uint64_t key_size;
    std::uint64_t checksum;  ///< of all that follows
};
constexpr size_t k_body_offset = k_magic.size() + sizeof(Header);

struct RecordHead {
    FileStatus status;
    std::uint32_t path_size;
    std::uint32_t hash_size;
};

std::int64_t nanoseconds(const timespec& time) {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(time.tv_sec) * k_second +
                                     static_cast<std::uint64_t>(time.tv_nsec));
}

/// Finds files torn by a power cut (runs of zeroes, old ends). The multiplier is that of 64-bit
/// FNV; whole words instead of bytes make it fast enough to be of no weight.
std::uint64_t checksum(std::string_view data) {
    std::uint64_t sum = 0xcbf29ce484222325U ^ data.size();
    while (!data.empty()) {
        std::uint64_t word = 0;
        const size_t size = std::min(data.size(), sizeof word);
        std::memcpy(&word, data.data(), size);
        sum = (sum ^ word) * 0x100000001b3U;
        sum ^= sum >> 29;
        data.remove_prefix(size);
    }
    return sum;
}

template <typename T>
std::string_view bytes_of(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::optional<Header> read_header(std::string_view data) {
    if (data.size() < k_body_offset || !data.starts_with(k_magic)) {
        return std::nullopt;
    }
    Header header;
    std::memcpy(&header, data.data() + k_magic.size(), sizeof header);
    const std::string_view body = data.substr(k_body_offset);
    if (header.key_size > body.size() || header.checksum != checksum(body)) {
        return std::nullopt;
    }
    return header;
}

std::uint64_t make_id() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<std::uint64_t>(nanoseconds(now)) ^
           (static_cast<std::uint64_t>(::getpid()) << 40);
}

}  // namespace

FileStatus status_of(const struct stat& info) {
    if (S_ISDIR(info.st_mode)) {
        return {.mode = info.st_mode};
    }
    return {.inode = info.st_ino,
            .size = static_cast<std::uint64_t>(info.st_size),
            .mtime = nanoseconds(info.st_mtim),
            .ctime = nanoseconds(info.st_ctim),
            .mode = info.st_mode};
}

std::int64_t file_system_clock() {
    // Not CLOCK_REALTIME: the kernel stamps files with the time of its last tick, which lies a few
    // milliseconds back.
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return nanoseconds(now);
}

bool is_older(const FileStatus& status, std::int64_t scanned) {
    // A whole second is hardly a coincidence but a file system that has no finer times (FAT: two
    // seconds).
    const std::int64_t granularity = status.ctime % k_second == 0 ? 2 * k_second : 0;
    return status.mtime < scanned && status.ctime < scanned - granularity;
}

MappedFile::MappedFile(const std::filesystem::path& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat info {};
    if (!fd || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size == 0) {
        return;
    }
    const auto size = static_cast<size_t>(info.st_size);
    void* const start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd.get(), 0);
    if (start != MAP_FAILED) {
        m_data = {static_cast<const char*>(start), size};
    }
}

MappedFile::~MappedFile() {
    if (!m_data.empty()) {
        ::munmap(const_cast<char*>(m_data.data()), m_data.size());
    }
}

StatCache::StatCache(const std::filesystem::path& path, const std::string& key) : m_file(path) {
    const auto header = read_header(m_file.data());
    if (!header) {
        return;
    }
    m_exists = true;
    m_id = header->id;
    m_count = header->count;
    m_scanned = header->scanned;
    m_settled = header->settled == 1;
    const std::string_view body = m_file.data().substr(k_body_offset);
    m_has_same_key = body.substr(0, header->key_size) == key;
    m_rest = body.substr(header->key_size);
    advance();
}

void StatCache::advance() {
    m_current.reset();
    RecordHead head;
    if (m_rest.size() < sizeof head) {
        return;
    }
    std::memcpy(&head, m_rest.data(), sizeof head);
    m_rest.remove_prefix(sizeof head);
    const size_t size = size_t{head.path_size} + head.hash_size;
    if (m_rest.size() < size) {
        return;
    }
    m_current = Record{head.status, m_rest.substr(0, head.path_size),
                       m_rest.substr(head.path_size, head.hash_size)};
    m_rest.remove_prefix(size);
}

const StatCache::Record* StatCache::find(std::string_view path) {
    while (m_current && m_current->path < path) {
        advance();
    }
    return m_current && m_current->path == path ? &*m_current : nullptr;
}

bool StatCache::trusts(const FileStatus& status) const {
    return is_older(status, m_scanned);
}

void StatCacheWriter::add(const StatCache::Record& record) {
    const RecordHead head{.status = record.status,
                          .path_size = static_cast<std::uint32_t>(record.path.size()),
                          .hash_size = static_cast<std::uint32_t>(record.hash.size())};
    m_records.append(bytes_of(head)).append(record.path).append(record.hash);
    ++m_count;
}

std::uint64_t StatCacheWriter::write(const std::filesystem::path& path, const std::string& key,
                                     bool settled) {
    std::string data(k_magic);
    data.reserve(k_body_offset + key.size() + m_records.size());
    data.append(sizeof(Header), '\0').append(key).append(m_records);
    const Header header{.id = make_id(),
                        .settled = settled ? 1U : 0U,
                        .scanned = m_scanned,
                        .count = m_count,
                        .key_size = key.size(),
                        .checksum = checksum(std::string_view(data).substr(k_body_offset))};
    std::memcpy(data.data() + k_magic.size(), &header, sizeof header);
    write_file_atomically(path, data);
    return header.id;
}

void settle_cache(const std::filesystem::path& path, std::uint64_t id) {
    const Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    std::uint64_t found = 0;
    if (!fd ||
        ::pread(fd.get(), &found, sizeof found, k_magic.size() + offsetof(Header, id)) !=
            sizeof found ||
        found != id) {
        return;  // somebody scanned after us; the tree is not settled for them before they say so
    }
    const std::uint64_t settled = 1;
    if (::pwrite(fd.get(), &settled, sizeof settled, k_magic.size() + offsetof(Header, settled)) !=
        sizeof settled) {
        throw SysError(errno, "writing '{}'", path.native());
    }
}

}  // namespace mstage::source
