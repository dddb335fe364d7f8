// Container images in directories and archives on this machine: read where they are.

#include "archive/oci/unpack_layer.hpp"
#include "base/error.hpp"
#include "engine/local/container/image_source.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

struct PathAndTag {
    fs::path path;
    std::optional<std::string> tag;
};

/// A path can hold colons itself, and so can the tag: the shortest path that exists is meant.
PathAndTag split_operand(const std::string& operand) {
    if (!operand.starts_with('/')) {
        throw UsageError("'{}' is no absolute path", operand);
    }
    if (fs::exists(operand)) {
        return {operand, std::nullopt};
    }
    const size_t first = operand.find(':');
    for (size_t at = first; at != std::string::npos; at = operand.find(':', at + 1)) {
        if (fs::exists(operand.substr(0, at))) {
            return {operand.substr(0, at), operand.substr(at + 1)};
        }
    }
    throw SysError(ENOENT, "opening '{}'", operand.substr(0, first));
}

class FileImageSource : public ImageSource {
public:
    FileImageSource(archive::ContainerImage image, std::unique_ptr<archive::ImageFiles> files)
        : ImageSource(std::move(image)), m_files(std::move(files)) {}

    void prepare(const std::vector<size_t>& /*layers*/) override {}
    archive::FileRange open(size_t layer) override {
        return m_files->get(image().layers[layer].file);
    }
    void check_size(size_t layer) override {
        const archive::ImageLayer& known = image().layers[layer];
        if (const auto file = known.blob ? m_files->find(known.file) : std::nullopt) {
            archive::check_size(*file, *known.blob);
        }
    }

private:
    std::unique_ptr<archive::ImageFiles> m_files;
};

fs::path make_scratch(const fs::path& work) {
    const fs::path scratch = work / "archive";
    fs::create_directory(scratch);
    return scratch;
}

}  // namespace

std::unique_ptr<ImageSource> open_oci_layout(const std::string& operand) {
    const auto [path, tag] = split_operand(operand);
    auto files = archive::files_of_directory(path);
    auto image = archive::read_oci_layout(*files, tag, archive::Platform::of_this_machine());
    return std::make_unique<FileImageSource>(std::move(image), std::move(files));
}

std::unique_ptr<ImageSource> open_oci_archive(const std::string& operand, const fs::path& work) {
    const auto [path, tag] = split_operand(operand);
    auto files = archive::files_of_archive(path, make_scratch(work));
    auto image = archive::read_oci_layout(*files, tag, archive::Platform::of_this_machine());
    return std::make_unique<FileImageSource>(std::move(image), std::move(files));
}

std::unique_ptr<ImageSource> open_docker_archive(const std::string& operand, const fs::path& work) {
    const auto [path, tag] = split_operand(operand);
    auto files = archive::files_of_archive(path, make_scratch(work));
    auto image = archive::read_docker_archive(*files, tag);
    return std::make_unique<FileImageSource>(std::move(image), std::move(files));
}

}  // namespace mstage::engine
