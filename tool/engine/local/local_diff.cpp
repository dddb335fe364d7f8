// Images compared: their layers say where they may differ, the mounted trees whether they do.

#include <fcntl.h>

#include "base/error.hpp"
#include "base/file.hpp"
#include "engine/local/file_info.hpp"
#include "engine/local/local_engine.hpp"
#include "engine/local/root_layout.hpp"
#include "engine/local/text_diff.hpp"
#include "engine/local/tree_diff.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

Json to_json(const std::vector<FileChange>& changes) {
    Json list = Json::array();
    for (const FileChange& change : changes) {
        Json aspects = Json::array();
        for (const Aspect aspect : change.aspects) {
            aspects.push_back(static_cast<int>(aspect));
        }
        list.push_back({{"before", change.before ? to_json(*change.before) : Json()},
                        {"after", change.after ? to_json(*change.after) : Json()},
                        {"aspects", std::move(aspects)},
                        {"text", change.text},
                        {"no_text", change.no_text}});
    }
    return list;
}

std::vector<FileChange> changes_from(const Json& list) {
    const auto file_from = [](const Json& json) {
        return json.is_null() ? std::nullopt : std::optional(file_info_from(json));
    };
    std::vector<FileChange> changes;
    for (const Json& json : list) {
        FileChange change{.before = file_from(json.at("before")),
                          .after = file_from(json.at("after"))};
        for (const Json& aspect : json.at("aspects")) {
            change.aspects.push_back(static_cast<Aspect>(aspect.get<int>()));
        }
        change.text = json.at("text");
        change.no_text = json.at("no_text");
        changes.push_back(std::move(change));
    }
    return changes;
}

/// In the tree where it is, rather the second.
std::string place_of(const ImageTree& before, const ImageTree& after, const std::string& path) {
    for (const ImageTree* tree : {&after, &before}) {
        if (auto place = tree->real_path(path)) {
            return std::move(*place);
        }
    }
    throw Error("'{}' is in neither of the images", path);
}

TouchedPaths touched_paths(const store::Store& store, const Image& before, const Image& after,
                           const std::string& path) {
    TouchedPaths touched;
    const SharedLayers layers = shared_layers(before.layers, after.layers);
    // The machine's own system is the same under both, whatever their layers are.
    const bool is_related = !layers.shared.empty() || before.ground == store::Ground::host;
    if (before.ground != after.ground || !is_related) {
        touched.whole = true;
        return touched;
    }
    for (const store::LayerId& layer : layers.others) {
        const Fd root = open_fd(store.layer_path(layer), O_PATH | O_DIRECTORY);
        add_touched(root.get(), path, touched);
    }
    return touched;
}

}  // namespace

const char* to_string(Aspect aspect) {
    switch (aspect) {
        case Aspect::type:
            return "type";
        case Aspect::content:
            return "content";
        case Aspect::mode:
            return "mode";
        case Aspect::owner:
            return "owner";
        case Aspect::target:
            return "target";
        case Aspect::attributes:
            return "attributes";
        case Aspect::times:
            break;
    }
    return "times";
}

std::vector<FileChange> LocalEngine::diff(const Image& before, const Image& after,
                                          const DiffRequest& request) {
    store::WorkDir work = m_store.make_work_dir();
    const auto lay_out = [&](const Image& image, const char* name) {
        work.pin(image.id);
        make_directories(work.path() / name, 0700);
        return lay_out_root(m_store, image.ground, m_store.get_image(image.id).layers, m_ids,
                            Access::read_only, work.path() / name);
    };
    const RootLayout left = lay_out(before, "before");
    const RootLayout right = lay_out(after, "after");
    const auto compare = [&] {
        const auto mounted = [](const RootLayout& layout) {
            sandbox::mount_root(layout.plan);
            return open_fd(layout.plan.mount_point, O_PATH | O_DIRECTORY);
        };
        const Fd left_root = mounted(left);
        const Fd right_root = mounted(right);
        const ImageTree left_tree(left_root.get());
        const ImageTree right_tree(right_root.get());
        const std::string path = place_of(left_tree, right_tree, request.path);
        std::vector<FileChange> changes =
            diff_trees(left_tree, right_tree, path, touched_paths(m_store, before, after, path),
                       request.times ? Times::compared : Times::ignored);
        if (request.text) {
            add_texts(left.plan.mount_point, right.plan.mount_point, *request.text, changes);
        }
        return pack(to_json(changes));
    };
    const std::vector<std::string>& bare =
        left.plan.bare.empty() ? right.plan.bare : left.plan.bare;
    return changes_from(unpack(sandbox::answer_from_user_namespace(m_ids, compare, bare)));
}

}  // namespace mstage::engine
