#include "archive/tar_builder.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <numeric>

#include "base/error.hpp"

namespace mstage::archive::test {

namespace {

void put(std::string& header, size_t offset, const std::string& field) {
    header.replace(offset, field.size(), field);
}

std::string octal(unsigned long value, int digits) {
    return fmt::format("{:0{}o}", value, digits);
}

/// "<length> <key>=<value>\n", where the length counts itself.
std::string pax_record(const std::string& key, const std::string& value) {
    const std::string rest = " " + key + "=" + value + "\n";
    size_t length = rest.size();
    while (length != rest.size() + std::to_string(length).size()) {
        length = rest.size() + std::to_string(length).size();
    }
    return std::to_string(length) + rest;
}

}  // namespace

TarBuilder& TarBuilder::add(const TarEntry& entry) {
    if (!entry.pax.empty()) {
        TarEntry extended{"pax"};
        extended.type = 'x';
        for (const auto& [key, value] : entry.pax) {
            extended.data += pax_record(key, value);
        }
        block(extended);
        padded(extended.data);
    }
    block(entry);
    padded(entry.data);
    return *this;
}

TarBuilder& TarBuilder::directory(const std::string& name, unsigned mode) {
    TarEntry entry{name, '5'};
    entry.mode = mode;
    return add(entry);
}

TarBuilder& TarBuilder::file(const std::string& name, const std::string& data, unsigned mode) {
    TarEntry entry{name, '0', data};
    entry.mode = mode;
    return add(entry);
}

TarBuilder& TarBuilder::symlink(const std::string& name, const std::string& target) {
    return add({name, '2', "", target, 0777});
}

TarBuilder& TarBuilder::hard_link(const std::string& name, const std::string& target) {
    return add({name, '1', "", target});
}

void TarBuilder::block(const TarEntry& entry) {
    std::string header(512, '\0');
    put(header, 0, entry.name.substr(0, 100));
    put(header, 100, octal(entry.mode, 7));
    put(header, 108, octal(entry.uid, 7));
    put(header, 116, octal(entry.gid, 7));
    put(header, 124, entry.size_field.empty() ? octal(entry.data.size(), 11) : entry.size_field);
    put(header, 136, octal(static_cast<unsigned long>(entry.mtime), 11));
    put(header, 148, "        ");
    header[156] = entry.type;
    put(header, 157, entry.link.substr(0, 100));
    put(header, 257,
        std::string("ustar\0"
                    "00",
                    8));
    const unsigned sum =
        std::accumulate(header.begin(), header.end(), 0U,
                        [](unsigned all, char c) { return all + static_cast<unsigned char>(c); });
    put(header, 148, octal(sum, 6) + std::string("\0 ", 2));
    m_bytes += header;
}

void TarBuilder::padded(const std::string& data) {
    m_bytes += data;
    m_bytes.append((512 - data.size() % 512) % 512, '\0');
}

std::string compressed(const std::string& data, const std::string& filter) {
    ::archive* writer = archive_write_new();
    archive_write_set_format_raw(writer);
    std::string out(data.size() + 65536, '\0');
    size_t used = 0;
    archive_entry* entry = archive_entry_new();
    archive_entry_set_filetype(entry, AE_IFREG);
    const bool good =
        archive_write_add_filter_by_name(writer, filter.c_str()) == ARCHIVE_OK &&
        archive_write_open_memory(writer, out.data(), out.size(), &used) == ARCHIVE_OK &&
        archive_write_header(writer, entry) == ARCHIVE_OK &&
        archive_write_data(writer, data.data(), data.size()) >= 0 &&
        archive_write_close(writer) == ARCHIVE_OK;
    archive_entry_free(entry);
    archive_write_free(writer);
    if (!good) {
        throw Error("compressing with {}", filter);
    }
    out.resize(used);
    return out;
}

}  // namespace mstage::archive::test
