#include "archive/tar_writer.hpp"

#include <algorithm>
#include <cstring>
#include <map>

#include "base/error.hpp"

namespace mstage::archive {

namespace {

constexpr size_t k_block = 512;
constexpr size_t k_piece = 128UL * 1024;
/// Seven octal digits for ids, eleven for sizes and times.
constexpr std::uint64_t k_most_id = 07777777;
constexpr std::uint64_t k_most_long = 077777777777;

struct Header {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char target[100];
    char magic[8];
    char user[32];
    char group[32];
    char major[8];
    char minor[8];
    char prefix[155];
    char padding[12];
};
static_assert(sizeof(Header) == k_block);

/// By name, so that their order is always the same.
using PaxRecords = std::map<std::string, std::string>;

/// All of the field but its last byte.
template <size_t N>
void set_number(char (&field)[N], std::uint64_t number) {
    for (size_t i = N - 1; i-- > 0; number >>= 3) {
        field[i] = static_cast<char>('0' + (number & 7));
    }
}

template <size_t N>
void set_text(char (&field)[N], std::string_view text) {
    std::memcpy(field, text.data(), std::min(N, text.size()));
}

void set_checksum(Header& header) {
    std::memset(header.checksum, ' ', sizeof header.checksum);
    const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
    std::uint64_t sum = 0;
    for (size_t i = 0; i < k_block; ++i) {
        sum += bytes[i];
    }
    // Six digits, NUL, blank: as every tar since the first writes it.
    for (size_t i = 6; i-- > 0; sum >>= 3) {
        header.checksum[i] = static_cast<char>('0' + (sum & 7));
    }
    header.checksum[6] = '\0';
}

Header make_header(char type) {
    Header header{};
    header.type = type;
    std::memcpy(header.magic, "ustar\00000", sizeof header.magic);
    set_number(header.major, 0);
    set_number(header.minor, 0);
    return header;
}

/// False when the name is too long for the two fields.
bool set_name(Header& header, std::string_view name) {
    if (name.size() <= sizeof header.name) {
        set_text(header.name, name);
        return true;
    }
    // The part behind the slash must not be empty, as it would be of a directory.
    for (size_t slash = name.find('/'); slash < name.size() - 1;
         slash = name.find('/', slash + 1)) {
        if (slash > 0 && slash <= sizeof header.prefix &&
            name.size() - slash - 1 <= sizeof header.name) {
            set_text(header.prefix, name.substr(0, slash));
            set_text(header.name, name.substr(slash + 1));
            return true;
        }
    }
    return false;
}

template <size_t N>
void set_id(char (&field)[N], const char* name, std::uint64_t id, PaxRecords& pax) {
    if (id > k_most_id) {
        pax[name] = std::to_string(id);
    }
    set_number(field, id > k_most_id ? 0 : id);
}

/// Seconds with a fraction, if there is one: both count from 1970 in the direction of the sign.
std::string decimal(const timespec& time) {
    if (time.tv_nsec == 0) {
        return std::to_string(time.tv_sec);
    }
    const bool is_before = time.tv_sec < 0;
    const std::int64_t seconds = is_before ? -(time.tv_sec + 1) : time.tv_sec;
    const long nanoseconds = is_before ? 1'000'000'000 - time.tv_nsec : time.tv_nsec;
    std::string text = fmt::format("{}{}.{:09}", is_before ? "-" : "", seconds, nanoseconds);
    text.erase(text.find_last_not_of('0') + 1);
    return text;
}

void set_time(Header& header, const timespec& time, PaxRecords& pax) {
    const bool fits = time.tv_sec >= 0 && static_cast<std::uint64_t>(time.tv_sec) <= k_most_long;
    set_number(header.mtime, fits ? static_cast<std::uint64_t>(time.tv_sec) : 0);
    if (!fits || time.tv_nsec != 0) {
        pax["mtime"] = decimal(time);
    }
}

char type_flag(MemberType type) {
    switch (type) {
        case MemberType::file:
            return '0';
        case MemberType::hard_link:
            return '1';
        case MemberType::symlink:
            return '2';
        case MemberType::directory:
            return '5';
        case MemberType::fifo:
            return '6';
    }
    return '0';
}

std::string name_of(const TarMember& member) {
    if (member.path.is_root()) {
        return "./";
    }
    return member.path.str() + (member.type == MemberType::directory ? "/" : "");
}

std::string base64(std::string_view bytes) {
    static constexpr std::string_view k_digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : bytes) {
        bits = bits << 8 | static_cast<unsigned char>(c);
        for (count += 8; count >= 6; count -= 6) {
            text += k_digits[bits >> (count - 6) & 63];
        }
    }
    if (count > 0) {
        text += k_digits[bits << (6 - count) & 63];
    }
    return text;
}

std::string url_encoded(std::string_view name) {
    std::string text;
    for (const char c : name) {
        const bool is_plain = c > ' ' && c < 127 && c != '%' && c != '=';
        text +=
            is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return text;
}

void set_xattr(const Xattr& xattr, PaxRecords& pax) {
    if (xattr.name.find('=') == std::string::npos) {
        pax["SCHILY.xattr." + xattr.name] = xattr.value;
    } else {
        pax["LIBARCHIVE.xattr." + url_encoded(xattr.name)] = base64(xattr.value);
    }
}

uid_t known_id(uid_t id) {
    return id == Attributes::k_leave_owner ? 0 : id;
}

/// The header; what it can't say goes into `pax`.
Header header_of(const TarMember& member, PaxRecords& pax) {
    Header header = make_header(type_flag(member.type));
    const std::string name = name_of(member);
    if (!set_name(header, name)) {
        pax["path"] = name;
        // For readers that know no pax, and never empty.
        set_text(header.name, std::string_view(name).substr(0, sizeof header.name));
    }
    if (member.target.size() > sizeof header.target) {
        pax["linkpath"] = member.target;
    }
    set_text(header.target, member.target);
    set_number(header.mode, member.attributes.mode & 07777);
    set_id(header.uid, "uid", known_id(member.attributes.owner), pax);
    set_id(header.gid, "gid", known_id(member.attributes.group), pax);
    if (member.size > k_most_long) {
        pax["size"] = std::to_string(member.size);
    }
    set_number(header.size, member.size > k_most_long ? 0 : member.size);
    set_time(header, member.attributes.mtime.value_or(timespec{}), pax);
    for (const Xattr& xattr : member.attributes.xattrs) {
        set_xattr(xattr, pax);
    }
    set_checksum(header);
    return header;
}

/// "LENGTH NAME=VALUE\n", where the length counts its own digits.
std::string pax_record(const std::string& name, const std::string& value) {
    const size_t rest = name.size() + value.size() + 3;
    size_t length = rest + 1;
    while (length != rest + std::to_string(length).size()) {
        length = rest + std::to_string(length).size();
    }
    return fmt::format("{} {}={}\n", length, name, value);
}

Header pax_header(const TarMember& member, size_t size) {
    Header header = make_header('x');
    const std::string leaf = member.path.is_root() ? "." : member.path.leaf();
    set_text(header.name, ("PaxHeaders/" + leaf).substr(0, sizeof header.name));
    set_number(header.mode, 0644);
    set_number(header.uid, 0);
    set_number(header.gid, 0);
    set_number(header.size, size);
    set_number(header.mtime, 0);
    set_checksum(header);
    return header;
}

std::string_view bytes_of(const Header& header) {
    return {reinterpret_cast<const char*>(&header), sizeof header};
}

}  // namespace

Attributes root_attributes(mode_t mode) {
    Attributes attributes;
    attributes.mode = mode;
    return attributes;
}

TarWriter::TarWriter(Output output) : m_output(std::move(output)) {
    m_buffer.reserve(2 * k_piece);
}

void TarWriter::member(const TarMember& member) {
    PaxRecords pax;
    const Header header = header_of(member, pax);
    if (!pax.empty()) {
        std::string records;
        for (const auto& [name, value] : pax) {
            records += pax_record(name, value);
        }
        put(bytes_of(pax_header(member, records.size())));
        put(records);
        pad();
    }
    put(bytes_of(header));
    m_due = member.size;
}

void TarWriter::data(std::string_view bytes) {
    if (bytes.size() > m_due) {
        throw Error("more data than its size says");
    }
    put(bytes);
    m_due -= bytes.size();
    if (m_due == 0) {
        pad();
    }
}

void TarWriter::finish() {
    put(std::string(2 * k_block, '\0'));
    flush();
}

void TarWriter::put(std::string_view bytes) {
    m_buffer.append(bytes);
    m_size += bytes.size();
    if (m_buffer.size() >= k_piece) {
        flush();
    }
}

void TarWriter::pad() {
    put(std::string((k_block - m_size % k_block) % k_block, '\0'));
}

void TarWriter::flush() {
    m_output(m_buffer);
    m_buffer.clear();
}

}  // namespace mstage::archive
