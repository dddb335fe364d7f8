// Files of other images, and of this machine, for a run. They become a layer between the image and
// what the command writes.

#include <fcntl.h>

#include <algorithm>

#include "archive/import.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "engine/local/image_tree.hpp"
#include "engine/local/local_engine.hpp"
#include "engine/local/root_layout.hpp"
#include "sandbox/user_namespace.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

struct MountedCopy {
    const ImageCopy* copy;
    RootLayout source;
};

std::string destination_of(const ImageCopy& copy, const std::string& match) {
    if (copy.destination.empty()) {
        return match;
    }
    return copy.destination.ends_with('/') ? copy.destination + fs::path(match).filename().native()
                                           : copy.destination;
}

void copy_matches(const ImageCopy& copy, int source_root, int target_root,
                  const archive::Options& options) {
    const std::vector<std::string> matches = ImageTree(source_root).glob(copy.path);
    if (matches.empty()) {
        throw with_hint(Error("nothing in that image matches"),
                        "'mstage ls' shows what is in an image");
    }
    const bool to_one_name = !copy.destination.empty() && !copy.destination.ends_with('/');
    if (matches.size() > 1 && to_one_name) {
        throw with_hint(
            Error("{} things match, and '{}' is the name of one", matches.size(), copy.destination),
            "a '/' at its end makes it the directory that they go to");
    }
    for (const std::string& match : matches) {
        archive::copy_into_tree(source_root, match, target_root, destination_of(copy, match),
                                options);
    }
}

}  // namespace

std::optional<store::LayerId> LocalEngine::copied_layer(const RunRequest& request,
                                                        store::Ground ground,
                                                        const std::vector<store::LayerId>& layers) {
    if (request.copies.empty() && request.files.empty()) {
        return std::nullopt;
    }
    store::WorkDir work = m_store.make_work_dir();
    // The copies are made in an overlay on top of the image, so that links in it lead where the
    // command will see them lead, and its directories keep their attributes.
    make_directories(work.path() / "target");
    const RootLayout target =
        lay_out_root(m_store, ground, layers, m_ids, Access::read_write, work.path() / "target");
    std::vector<std::string> bare = target.plan.bare;
    std::vector<MountedCopy> copies;
    for (const ImageCopy& copy : request.copies) {
        work.pin(copy.image);
        const Image image = m_store.get_image(copy.image);
        const fs::path directory = work.path() / fmt::format("source-{}", copies.size());
        make_directories(directory);
        copies.push_back({&copy, lay_out_root(m_store, image.ground, image.layers, m_ids,
                                              Access::read_only, directory)});
        bare = bare.empty() ? copies.back().source.plan.bare : bare;
    }
    const archive::Options options{.keep_owners = m_ids.mode != sandbox::IdMode::single};
    const auto copy_all = [&] {
        sandbox::mount_root(target.plan);
        const Fd target_root = open_fd(target.plan.mount_point, O_PATH | O_DIRECTORY);
        for (const auto& [copy, source] : copies) {
            with_context(fmt::format("copying '{}'", copy->name), [&] {
                sandbox::mount_root(source.plan);
                const Fd source_root = open_fd(source.plan.mount_point, O_PATH | O_DIRECTORY);
                copy_matches(*copy, source_root.get(), target_root.get(), options);
            });
        }
        for (const auto& [source, destination] : request.files) {
            with_context(fmt::format("copying '{}' to '{}'", source.native(), destination), [&] {
                if (try_open_in_root(target_root.get(), destination, O_PATH | O_DIRECTORY)) {
                    throw Error("that is a directory");
                }
                const Fd directory = open_fd(source.parent_path(), O_PATH | O_DIRECTORY);
                archive::copy_into_tree(directory.get(), "/" + source.filename().native(),
                                        target_root.get(), destination, options);
            });
        }
    };
    sandbox::run_in_user_namespace(m_ids, copy_all, bare);
    if (!target.changed()) {
        return std::nullopt;
    }
    target.collect_changes();
    return publish_layer(target.upper);
}

}  // namespace mstage::engine
