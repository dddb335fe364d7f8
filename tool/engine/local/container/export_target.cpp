#include "engine/local/container/export_target.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/oci/oci_layout.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/process.hpp"
#include "engine/local/container/registry_reference.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

/// What skopeo calls the image in a layout that only it will see.
constexpr const char* k_passing_tag = "image";
constexpr const char* k_skopeo_hint =
    "install the package 'skopeo'; oci: and oci-archive: do not need it";

/// Relative, as the store's path may hold a colon.
std::string passing_source() {
    return fmt::format("oci:layout:{}", k_passing_tag);
}

void require_skopeo() {
    if (!find_program("skopeo")) {
        throw with_hint(Error("program 'skopeo' was not found"), k_skopeo_hint);
    }
}

/// Runs skopeo, passing on what it prints, until it ends or a signal comes.
void run_skopeo(const std::vector<std::string>& words, const fs::path& directory,
                const EndSignals& signals, const archive::TarWriter::Output& output) {
    // The policy is about images that come from elsewhere; this one is ours.
    std::vector<std::string> argv = {"skopeo", "--insecure-policy", "copy", "--quiet"};
    argv.insert(argv.end(), words.begin(), words.end());
    Program skopeo({.argv = argv, .package_hint = k_skopeo_hint, .directory = directory});
    std::string buffer(k_piece_size, '\0');
    while (true) {
        signals.wait_readable(skopeo.output());
        const size_t count = read_some(skopeo.output(), buffer);
        if (count == 0) {
            break;
        }
        output(std::string_view(buffer).substr(0, count));
    }
    skopeo.finish();
}

}  // namespace

ExportTarget::ExportTarget(ExportDestination destination, const fs::path& scratch,
                           const EndSignals& signals, OutputStream stream)
    : m_destination(std::move(destination)),
      m_scratch(scratch),
      m_signals(signals),
      m_stream(std::move(stream)) {
    prepare();
    archive::make_layout(layout());
}

void ExportTarget::prepare() {
    switch (m_destination.kind) {
        case DestinationKind::oci:
            prepare_layout();
            return;
        case DestinationKind::oci_archive:
            prepare_archive();
            break;
        case DestinationKind::docker_archive:
            require_skopeo();
            prepare_archive();
            break;
        case DestinationKind::registry:
            require_skopeo();
            break;
    }
    m_staging.emplace(m_scratch);
}

/// The layout is made next to where it goes, so that it can be moved there; inside of what is there
/// already, which can be all that we may write to, and another file system.
void ExportTarget::prepare_layout() {
    fs::path& path = m_destination.path;
    check_place(m_destination);
    if (fs::is_symlink(path)) {
        std::error_code error;
        const fs::path target = fs::canonical(path, error);
        if (error) {
            throw with_hint(UsageError("'{}' is a symbolic link that leads nowhere", path.native()),
                            "remove the link, or make the directory that it leads to");
        }
        path = target;
    }
    m_is_there = archive::takes_images(path);
    m_staging.emplace(m_is_there ? path : path.parent_path());
}

void ExportTarget::prepare_archive() {
    if (m_destination.is_stream) {
        if (!m_stream) {
            throw with_hint(UsageError("standard output is no place for an archive here"),
                            "redirect it to a file or a program, or name a file");
        }
        return;
    }
    check_place(m_destination);
    prepare_file();
}

/// It takes long to write: beside it there would be no telling what a killed one left from people's
/// own files.
void ExportTarget::prepare_file() {
    const fs::path path = file_to_replace(m_destination.path, NameIsLink::followed);
    m_beside_file.emplace(path.parent_path());
    m_file.emplace(path, NameIsLink::refused, m_beside_file->path());
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0) {
        ::fchmod(m_file->fd(), info.st_mode & 0777);  // who kept the old one private means it
    }
}

std::string ExportTarget::publish(const archive::Descriptor& manifest,
                                  const archive::Descriptor& config) {
    switch (m_destination.kind) {
        case DestinationKind::oci:
            publish_layout(manifest);
            break;
        case DestinationKind::oci_archive:
            publish_oci_archive(manifest);
            break;
        case DestinationKind::docker_archive:
            publish_docker_archive(manifest);
            return config.digest.str();
        case DestinationKind::registry:
            return push(manifest);
    }
    return manifest.digest.str();
}

void ExportTarget::publish_layout(const archive::Descriptor& manifest) {
    const fs::path& path = m_destination.path;
    if (!m_is_there) {
        archive::add_to_index(layout(), manifest, m_destination.name);
    }
    // One for all blobs; without it a power cut could leave an index of empty files.
    ::syncfs(open_fd(layout(), O_RDONLY | O_DIRECTORY).get());
    m_signals.check();
    if (!m_is_there) {
        if (::rename(layout().c_str(), path.c_str()) == 0) {
            return;
        }
        const int number = errno;
        // Somebody else may have made one meanwhile.
        if (number != ENOTEMPTY && number != EEXIST) {
            throw SysError(number, "writing '{}'", path.native());
        }
        archive::takes_images(path);
    }
    archive::add_to_layout(layout(), path, manifest, m_destination.name, m_signals);
}

void ExportTarget::write(std::string_view bytes) {
    m_signals.check();
    if (m_file) {
        m_file->write(bytes);
    } else {
        m_stream(bytes);
    }
}

void ExportTarget::publish_oci_archive(const archive::Descriptor& manifest) {
    archive::add_to_index(layout(), manifest, m_destination.name);
    archive::archive_layout(layout(), [&](std::string_view bytes) { write(bytes); });
    if (m_file) {
        m_file->commit(Durable::yes);
    }
}

void ExportTarget::publish_docker_archive(const archive::Descriptor& manifest) {
    archive::add_to_index(layout(), manifest, k_passing_tag);
    // By way of a pipe: a path could hold a colon, which would end it for skopeo.
    std::string to = "docker-archive:/dev/stdout";
    if (!m_destination.name.empty()) {
        to += ":" + m_destination.name;
    }
    run_skopeo({passing_source(), to}, m_staging->path(), m_signals,
               [&](std::string_view bytes) { write(bytes); });
    if (m_file) {
        m_file->commit(Durable::yes);
    }
}

std::string ExportTarget::push(const archive::Descriptor& manifest) {
    archive::add_to_index(layout(), manifest, k_passing_tag);
    std::vector<std::string> words = {"--digestfile", "digest"};
    if (is_on_loopback(m_destination.name)) {
        words.emplace_back("--dest-tls-verify=false");
    }
    words.insert(words.end(), {passing_source(), "docker://" + m_destination.name});
    run_skopeo(words, m_staging->path(), m_signals, [](std::string_view) {});
    return read_file(m_staging->path() / "digest");
}

}  // namespace mstage::engine
