#pragma once

#include <string>
#include <utility>
#include <vector>

namespace mstage::archive::test {

/// One entry of a tar, right or wrong as the test wants it.
struct TarEntry {
    std::string name;
    char type = '0';
    std::string data = {};
    std::string link = {};
    unsigned mode = 0644;
    unsigned long uid = 0;
    unsigned long gid = 0;
    long mtime = 1'000'000'000;
    /// Extended header records ("path", "mtime", "SCHILY.xattr.user.x", …).
    std::vector<std::pair<std::string, std::string>> pax = {};
    /// What the header says instead of data.size(), as the field's bytes.
    std::string size_field = {};
};

/// Writes tars byte by byte: no library would write most of these.
class TarBuilder {
public:
    TarBuilder& add(const TarEntry& entry);
    TarBuilder& directory(const std::string& name, unsigned mode = 0755);
    TarBuilder& file(const std::string& name, const std::string& data, unsigned mode = 0644);
    TarBuilder& symlink(const std::string& name, const std::string& target);
    TarBuilder& hard_link(const std::string& name, const std::string& target);

    /// With the end mark.
    std::string finished() const { return m_bytes + std::string(1024, '\0'); }
    const std::string& unfinished() const { return m_bytes; }

private:
    void block(const TarEntry& entry);
    void padded(const std::string& data);

    std::string m_bytes;
};

/// `data` compressed by libarchive's filter of that name ("gzip", "bzip2", "xz", "zstd").
std::string compressed(const std::string& data, const std::string& filter);

}  // namespace mstage::archive::test
