#include "archive/oci/oci_layout.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "archive/member_path.hpp"
#include "base/file.hpp"
#include "base/lock.hpp"
#include "base/staging_directory.hpp"

namespace mstage::archive {

namespace fs = std::filesystem;

namespace {

constexpr const char* k_marker = "oci-layout";
constexpr const char* k_marker_text = R"({"imageLayoutVersion":"1.0.0"})";
constexpr const char* k_index = "index.json";
constexpr const char* k_tag_annotation = "org.opencontainers.image.ref.name";

fs::path blobs_of(const fs::path& layout) {
    return layout / "blobs" / "sha256";
}

Json empty_index() {
    return {
        {"schemaVersion", 2}, {"mediaType", media_type::k_oci_index}, {"manifests", Json::array()}};
}

Json read_index(const fs::path& layout) {
    const fs::path file = layout / k_index;
    const auto text = read_file_if_exists(file);
    Json index = text ? parse_json(*text, fmt::format("'{}'", file.native())) : empty_index();
    if (!index.is_object() || !index["manifests"].is_array()) {
        throw Error("'{}' is no index of container images", file.native());
    }
    return index;
}

bool has_tag(const Json& descriptor, const std::string& tag) {
    const auto annotations = json_find<Json>(descriptor, "annotations");
    return annotations && json_find<std::string>(*annotations, k_tag_annotation) == tag;
}

bool is_as_good_as_empty(const fs::path& directory) {
    return std::ranges::all_of(names_in_directory(open_fd(directory, O_RDONLY | O_DIRECTORY)),
                               is_staging_name);
}

void pack_file(TarWriter& writer, const fs::path& layout, const fs::path& file) {
    const Fd fd = open_fd(layout / file, O_RDONLY);
    writer.member({.path = MemberPath::parse(file.native()),
                   .attributes = root_attributes(0644),
                   .size = fs::file_size(layout / file)});
    // Only what reading says is about this file.
    std::string buffer(k_piece_size, '\0');
    while (const size_t count = with_context(fmt::format("'{}'", (layout / file).native()),
                                             [&] { return read_some(fd.get(), buffer); })) {
        writer.data(std::string_view(buffer).substr(0, count));
    }
}

}  // namespace

Json to_json(const Descriptor& descriptor) {
    return {{"mediaType", descriptor.media_type},
            {"digest", descriptor.digest.str()},
            {"size", descriptor.size}};
}

BlobWriter::BlobWriter(const fs::path& layout)
    : m_blobs(blobs_of(layout)), m_file(layout / "blob") {}

void BlobWriter::write(std::string_view bytes) {
    m_hash.update(bytes);
    m_size += bytes.size();
    m_file.write(bytes);
}

Descriptor BlobWriter::finish(std::string_view media_type) {
    Digest digest = Digest::from_hex(m_hash.finish());
    ::fchmod(m_file.fd(), 0644);
    m_file.commit_as(m_blobs / digest.hex());
    return {.media_type = std::string(media_type), .digest = std::move(digest), .size = m_size};
}

void make_layout(const fs::path& directory) {
    make_directories(blobs_of(directory));
    write_file_atomically(directory / k_index, dump_json(empty_index()));
    write_file_atomically(directory / k_marker, k_marker_text);
}

Descriptor add_document(const fs::path& layout, const Json& document, std::string_view media_type) {
    BlobWriter blob(layout);
    blob.write(dump_json(document));
    return blob.finish(media_type);
}

void add_to_index(const fs::path& layout, const Descriptor& manifest, const std::string& tag) {
    Json index = read_index(layout);
    Json& manifests = index["manifests"];
    if (!tag.empty()) {
        Json others = Json::array();
        std::ranges::copy_if(manifests, std::back_inserter(others),
                             [&](const Json& descriptor) { return !has_tag(descriptor, tag); });
        manifests = std::move(others);
    }
    Json entry = to_json(manifest);
    if (!tag.empty()) {
        entry["annotations"] = {{k_tag_annotation, tag}};
    }
    manifests.push_back(std::move(entry));
    write_file_atomically(layout / k_index, dump_json(index), Durable::yes);
}

bool takes_images(const fs::path& directory) {
    if (!fs::exists(directory)) {
        return false;
    }
    const bool is_layout = fs::is_regular_file(directory / k_marker);
    if (!is_layout && !(fs::is_directory(directory) && is_as_good_as_empty(directory))) {
        throw with_hint(Error("'{}' is there and is no OCI image layout", directory.native()),
                        "name a directory that is not there yet, or a layout, to add to it");
    }
    return true;
}

namespace {

/// The lock is on the marker, so that is the first thing that is there. Whoever finds it empty
/// (somebody was killed just then) makes it whole.
FileLock take_turn(const fs::path& layout, const EndSignals& signals) {
    FileLock turn = FileLock::acquire(layout / k_marker, LockMode::exclusive, signals);
    if (fs::file_size(layout / k_marker) == 0) {
        ::fchmod(turn.fd(), 0644);
        with_context(fmt::format("'{}'", (layout / k_marker).native()),
                     [&] { write_all(turn.fd(), k_marker_text); });
    }
    return turn;
}

void move_blobs(const fs::path& from, const fs::path& into) {
    make_directories(blobs_of(into));
    for (const std::string& name :
         names_in_directory(open_fd(blobs_of(from), O_RDONLY | O_DIRECTORY))) {
        const fs::path place = blobs_of(into) / name;
        // Also over one of that name, which a power cut may have torn.
        if (::rename((blobs_of(from) / name).c_str(), place.c_str()) != 0) {
            throw SysError(errno, "writing '{}'", place.native());
        }
    }
}

}  // namespace

void add_to_layout(const fs::path& from, const fs::path& into, const Descriptor& manifest,
                   const std::string& tag, const EndSignals& signals) {
    const FileLock turn = take_turn(into, signals);
    move_blobs(from, into);
    add_to_index(into, manifest, tag);
}

void archive_layout(const fs::path& layout, const TarWriter::Output& output) {
    TarWriter writer(output);
    // Small things first: who only wants to know what is in it need not read on.
    pack_file(writer, layout, k_marker);
    pack_file(writer, layout, k_index);
    for (const char* directory : {"blobs", "blobs/sha256"}) {
        writer.member({.path = MemberPath::parse(directory), .type = MemberType::directory});
    }
    for (const std::string& name :
         names_in_directory(open_fd(blobs_of(layout), O_RDONLY | O_DIRECTORY))) {
        pack_file(writer, layout, fs::path("blobs/sha256") / name);
    }
    writer.finish();
}

}  // namespace mstage::archive
