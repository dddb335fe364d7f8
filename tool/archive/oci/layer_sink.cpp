#include "archive/oci/layer_sink.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <climits>
#include <vector>

#include "archive/confined_open.hpp"
#include "archive/file_data.hpp"
#include "base/error.hpp"
#include "base/text.hpp"

namespace mstage::archive {

namespace {

constexpr std::string_view k_whiteout = ".wh.";
constexpr std::string_view k_metadata = ".wh..wh.";
constexpr std::string_view k_opaque = ".wh..wh..opq";
constexpr int k_most_links = 40;  // the kernel's own limit

std::string joined(std::string_view directory, std::string_view name) {
    return directory.empty() ? std::string(name) : fmt::format("{}/{}", directory, name);
}

std::string_view parent_of(std::string_view path) {
    const size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

/// Pushes the components of `path` so that the first is taken first.
void push_components(std::vector<std::string>& todo, std::string_view path) {
    const std::vector<std::string> components = split(path, '/');
    todo.insert(todo.end(), components.rbegin(), components.rend());
}

/// The components of the name that only say that a layer is in the form of AUFS.
bool is_metadata(const MemberPath& path) {
    for (const std::string& component : split(path.str(), '/')) {
        if (component.starts_with(k_metadata)) {
            return true;
        }
    }
    return false;
}

/// Each directory of a name is looked for in the layers below, with all its own on the way: names
/// that no program could use would only take time.
void check_length(const MemberPath& path) {
    if (path.str().size() >= PATH_MAX) {
        constexpr size_t k_shown = 100;
        throw Error("the name '{}…' has {} bytes: more than {} cannot be used",
                    printable(path.str().substr(0, k_shown)), path.str().size(), PATH_MAX - 1);
    }
}

}  // namespace

LayerSink::LayerSink(int dir_fd, LowerTree& lower, const Options& options, Imported& result)
    : m_root(open_at(dir_fd, ".", O_RDONLY | O_DIRECTORY)),
      m_lower(lower),
      m_result(result),
      m_tree(dir_fd, options, result),
      m_implicit{""} {}

bool LayerSink::takes_name(const MemberPath& path) {
    check_length(path);
    if (path.is_root() || path.str().find(k_whiteout) == std::string::npos) {
        return false;
    }
    const std::string leaf = path.leaf();
    const std::string parent(path.parent());
    // What is not there yet in either tree has, if it will ever be, no links in its name.
    const auto place = [&] { return resolve(parent, Missing::refused).value_or(parent); };
    if (leaf == k_opaque) {
        m_opaque.insert(place());
        return true;
    }
    if (is_metadata(path)) {
        return true;
    }
    if (leaf.starts_with(k_whiteout)) {
        const std::string name = leaf.substr(k_whiteout.size());
        if (name.empty() || name == "." || name == "..") {
            throw Error("a whiteout of no name");
        }
        m_whiteouts.insert(joined(place(), name));
        return true;
    }
    for (const std::string& component : split(parent, '/')) {
        if (component.starts_with(k_whiteout)) {
            throw Error("an entry below a whiteout");
        }
    }
    return false;
}

void LayerSink::directory(const MemberPath& path, Attributes attributes) {
    const MemberPath place = place_of(path);
    m_implicit.erase(place.str());
    m_tree.directory(place, std::move(attributes));
}

Fd LayerSink::create_file(const MemberPath& path) {
    return m_tree.create_file(new_entry(path));
}

void LayerSink::finish_file(Fd file, const MemberPath& path, const Attributes& attributes) {
    m_tree.finish_file(std::move(file), path, attributes);
}

void LayerSink::symlink(const MemberPath& path, const std::string& target,
                        const Attributes& attributes) {
    m_tree.symlink(new_entry(path), target, attributes);
}

void LayerSink::fifo(const MemberPath& path, const Attributes& attributes) {
    m_tree.fifo(new_entry(path), attributes);
}

void LayerSink::hard_link(const MemberPath& path, const MemberPath& target) {
    check_length(target);
    MemberPath source = target;
    if (!target.is_root()) {
        const auto directory = resolve(target.parent(), Missing::refused);
        source = MemberPath::parse(
            joined(directory.value_or(std::string(target.parent())), target.leaf()));
        const auto below = find_here(source.str()) ? std::nullopt : find_below(source.str());
        if (below) {
            copy_up(source, *below);
        }
    }
    m_tree.hard_link(new_entry(path), source);
}

/// Where an entry of that name goes: its directories are there, and links among them followed.
MemberPath LayerSink::place_of(const MemberPath& path) {
    if (path.is_root()) {
        return path;
    }
    const std::string& place = enter(path.parent());
    return place == path.parent() ? path : MemberPath::parse(joined(place, path.leaf()));
}

/// The same for what is no directory and takes the place of one that may be there.
MemberPath LayerSink::new_entry(const MemberPath& path) {
    MemberPath place = place_of(path);
    if (m_implicit.erase(place.str()) != 0) {
        const std::string below = place.str() + '/';
        m_implicit.erase(m_implicit.lower_bound(below),
                         m_implicit.lower_bound(place.str() + static_cast<char>('/' + 1)));
    }
    return place;
}

const std::string& LayerSink::enter(std::string_view directory) {
    if (m_entered != directory) {
        m_entered_place = resolve(directory, Missing::made).value_or("");
        m_entered = directory;
    }
    return m_entered_place;
}

/// The path without links under which `directory` is in this layer and those below taken together.
/// With Missing::made it is in this layer afterwards, else there is none when it is in neither.
std::optional<std::string> LayerSink::resolve(std::string_view directory, Missing missing) {
    if (open_confined(m_root.get(), directory, O_PATH | O_DIRECTORY, Links::refused)) {
        return std::string(directory);
    }
    std::vector<std::string> todo;
    push_components(todo, directory);
    std::string place;
    int links = 0;
    bool is_new = false;  // made just now, and nothing below: there is nothing in it
    while (!todo.empty()) {
        const std::string component = std::move(todo.back());
        todo.pop_back();
        if (component.empty() || component == ".") {
            continue;
        }
        if (component == "..") {
            place = parent_of(place);
            is_new = false;
            continue;
        }
        const std::string next = joined(place, component);
        const auto here = is_new ? std::nullopt : find_here(next);
        const auto found = here || is_new ? here : find_below(next);
        if (found && S_ISLNK(found->stx_mode)) {
            if (++links > k_most_links) {
                throw SysError(ELOOP, "entering directory '{}'", printable(directory));
            }
            const std::string target = link_target(next, here.has_value());
            place = target.starts_with('/') ? "" : place;
            push_components(todo, target);
            continue;
        }
        const bool is_directory = found && S_ISDIR(found->stx_mode);
        if (missing == Missing::refused && !is_directory) {
            return std::nullopt;
        }
        if (here && !is_directory) {
            throw SysError(ENOTDIR, "entering directory '{}'", printable(directory));
        }
        if (missing == Missing::made && !here) {
            make_implicit_directory(next);
            is_new = !found;
        }
        place = next;
    }
    return place;
}

std::string LayerSink::link_target(const std::string& path, bool is_here) {
    if (!is_here) {
        m_needed_below.insert(path);
        return m_lower.link_target(path);
    }
    return read_link(open_confined(m_root.get(), path, O_PATH | O_NOFOLLOW, Links::refused).get(),
                     "");
}

void LayerSink::make_implicit_directory(const std::string& path) {
    m_tree.directory(MemberPath::parse(path), Attributes{});
    m_implicit.insert(path);
}

std::optional<struct statx> LayerSink::find_here(const std::string& path) const {
    const Fd entry = open_confined(m_root.get(), path, O_PATH | O_NOFOLLOW, Links::refused);
    if (entry) {
        return look_at(entry.get(), "");
    }
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) {
        return std::nullopt;
    }
    throw SysError(errno, "looking at '{}'", printable(path));
}

std::optional<struct statx> LayerSink::find_below(const std::string& path) {
    return is_hidden(path) ? std::nullopt : m_lower.find(path);
}

/// Whether this layer hides what is below under that path, as far as has been read.
bool LayerSink::is_hidden(std::string_view path) const {
    for (std::string_view at = path;; at = parent_of(at)) {
        if (m_whiteouts.contains(at) || (at != path && m_opaque.contains(at))) {
            return true;
        }
        if (at.empty()) {
            return false;
        }
    }
}

void LayerSink::copy_up(const MemberPath& path, const struct statx& info) {
    m_needed_below.insert(path.str());
    const MemberPath place = place_of(path);
    switch (info.stx_mode & S_IFMT) {
        case S_IFREG: {
            const Fd source = m_lower.open(path.str(), O_RDONLY);
            Fd copy = m_tree.create_file(place);
            m_result.bytes +=
                copy_file_data(source.get(), copy.get(), static_cast<off_t>(info.stx_size));
            m_tree.finish_file(std::move(copy), place, attributes_of(info, source.get()));
            break;
        }
        case S_IFLNK:
            m_tree.symlink(place, m_lower.link_target(path.str()), attributes_of(info));
            break;
        case S_IFIFO:
            m_tree.fifo(place, attributes_of(info));
            break;
        default:
            throw Error("a hard link to '{}', which is {}", printable(path.str()),
                        S_ISDIR(info.stx_mode) ? "a directory" : "neither file nor link");
    }
}

void LayerSink::finish() {
    expand_opaque_root();
    check_dependencies();
    for (const std::string& path : m_whiteouts) {
        apply_whiteout(path);
    }
    for (const std::string& path : m_opaque) {
        apply_opaque(path);
    }
    settle_implicit_directories();
    m_tree.finish();
}

/// overlayfs does not ask whether a layer's root is opaque.
void LayerSink::expand_opaque_root() {
    if (m_opaque.contains("")) {
        for (const std::string& name : m_lower.names("")) {
            m_whiteouts.insert(name);
        }
        m_opaque.erase("");
    }
}

void LayerSink::check_dependencies() const {
    for (const std::string& path : m_needed_below) {
        if (is_hidden(path)) {
            throw Error("the layer removes '{}' after entries that depend on it", printable(path));
        }
    }
}

void LayerSink::apply_whiteout(const std::string& path) {
    if (const auto here = find_here(path)) {
        if (S_ISDIR(here->stx_mode)) {
            m_tree.mark_opaque(MemberPath::parse(path));
        }
        return;
    }
    const std::string parent(parent_of(path));
    const bool shows_below =
        !is_hidden(parent) && !m_opaque.contains(parent) && is_own_place(parent);
    const auto below = shows_below ? m_lower.find(parent) : std::nullopt;
    if (below && S_ISDIR(below->stx_mode)) {
        enter(parent);
        m_tree.whiteout(MemberPath::parse(path));
    }
}

void LayerSink::apply_opaque(const std::string& path) {
    if (is_own_place(path)) {
        enter(path);
        m_tree.mark_opaque(MemberPath::parse(path));
    }
}

/// Whether a directory of that name is there, in this layer or below, and not something else in its
/// place or in that of a directory above it: umoci, for one, lists what is gone with a directory
/// that a file has replaced.
bool LayerSink::is_own_place(const std::string& directory) {
    return resolve(directory, Missing::refused) == directory;
}

void LayerSink::settle_implicit_directories() {
    for (const std::string& path : m_implicit) {
        const auto below = is_hidden(path) ? std::nullopt : m_lower.attributes_of_directory(path);
        if (below) {
            m_tree.set_attributes(MemberPath::parse(path), *below);
        }
    }
}

}  // namespace mstage::archive
