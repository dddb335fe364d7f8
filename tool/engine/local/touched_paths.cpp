#include "engine/local/touched_paths.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "engine/local/image_tree.hpp"

namespace mstage::engine {

namespace {

/// The overlays are mounted with "userxattr".
constexpr const char* k_opaque_attribute = "user.overlay.opaque";

bool is_opaque(int directory) {
    char value = '\0';
    return ::fgetxattr(directory, k_opaque_attribute, &value, 1) == 1 && value == 'y';
}

void touch_whole(TouchedPaths& touched) {
    touched.whole = true;
    touched.children.clear();
}

Fd open_directory(int layer, const std::string& path) {
    Fd directory = try_open_in_root(layer, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!directory) {
        throw SysError(errno, "'{}' in a layer", path);
    }
    return directory;
}

/// Whether the walk may go on to `path`, whose directories are all plain ones. If not, either the
/// layer has nothing there, or what it has hides all that others may have.
bool leads_to(int layer, const std::string& path, TouchedPaths& touched) {
    std::string place = "/";
    for (const std::string& name : split(path, '/')) {
        if (name.empty()) {
            continue;
        }
        place = ImageTree::joined(place, name);
        const Fd found = try_open_in_root(layer, place, O_PATH | O_NOFOLLOW);
        if (!found) {
            return false;
        }
        struct stat info {};
        ::fstat(found.get(), &info);
        if (!S_ISDIR(info.st_mode) || is_opaque(open_directory(layer, place).get())) {
            touch_whole(touched);
            return false;
        }
    }
    return true;
}

}  // namespace

TouchedPaths& TouchedPaths::child(const std::string& name) {
    std::unique_ptr<TouchedPaths>& place = children[name];
    if (!place) {
        place = std::make_unique<TouchedPaths>();
    }
    return *place;
}

void add_touched(int layer, const std::string& path, TouchedPaths& touched) {
    if (touched.whole || !leads_to(layer, path, touched)) {
        return;
    }
    struct Todo {
        std::string path;
        TouchedPaths* touched;
    };
    std::vector<Todo> todo = {{path, &touched}};
    while (!todo.empty()) {
        const Todo next = std::move(todo.back());
        todo.pop_back();
        const Fd directory = open_directory(layer, next.path);
        if (is_opaque(directory.get())) {
            touch_whole(*next.touched);
            continue;
        }
        // A descriptor of its own: reading the names uses it up.
        for (const std::string& name :
             names_in_directory(open_at(directory.get(), ".", O_RDONLY | O_DIRECTORY))) {
            struct stat info {};
            if (::fstatat(directory.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
                throw SysError(errno, "'{}' in a layer", ImageTree::joined(next.path, name));
            }
            TouchedPaths& child = next.touched->child(name);
            if (!S_ISDIR(info.st_mode)) {
                touch_whole(child);
            } else if (!child.whole) {
                todo.push_back({ImageTree::joined(next.path, name), &child});
            }
        }
    }
}

SharedLayers shared_layers(const std::vector<store::LayerId>& before,
                           const std::vector<store::LayerId>& after) {
    // A stage's source layers move up when a later stage has them too, so it is not only a common
    // start: the longest common subsequence. best[i][j] is that of the first i and the first j.
    std::vector<std::vector<size_t>> best(before.size() + 1, std::vector<size_t>(after.size() + 1));
    for (size_t i = 1; i <= before.size(); ++i) {
        for (size_t j = 1; j <= after.size(); ++j) {
            best[i][j] = before[i - 1] == after[j - 1] ? best[i - 1][j - 1] + 1
                                                       : std::max(best[i - 1][j], best[i][j - 1]);
        }
    }
    SharedLayers layers;
    const auto other = [&](const store::LayerId& layer) {
        if (std::ranges::find(layers.others, layer) == layers.others.end()) {
            layers.others.push_back(layer);
        }
    };
    size_t i = before.size();
    size_t j = after.size();
    while (i > 0 || j > 0) {
        if (i > 0 && j > 0 && before[i - 1] == after[j - 1]) {
            layers.shared.push_back(before[--i]);
            --j;
        } else if (j > 0 && (i == 0 || best[i][j - 1] >= best[i - 1][j])) {
            other(
                after[--j]);  // rather than what lies on top of `before`: the layers that moved up
        } else {
            other(before[--i]);
        }
    }
    std::ranges::reverse(layers.shared);
    return layers;
}

}  // namespace mstage::engine
