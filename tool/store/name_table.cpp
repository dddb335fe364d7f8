#include "store/name_table.hpp"

#include <unistd.h>

#include <algorithm>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"

namespace mstage::store {

namespace fs = std::filesystem;

template <typename Id>
std::optional<Id> BasicNameTable<Id>::find(const std::string& name) const {
    const auto text = read_file_if_exists(path_of(name));
    if (!text) {
        return std::nullopt;
    }
    return Id::parse(std::string_view(*text).substr(0, text->find('\n')));
}

template <typename Id>
void BasicNameTable<Id>::set(const std::string& name, const Id& id, Durable durable) const {
    write_file_if_changed(path_of(name), id.str() + "\n", durable);
}

template <typename Id>
bool BasicNameTable<Id>::remove(const std::string& name) const {
    if (::unlink(path_of(name).c_str()) == 0) {
        return true;
    }
    if (errno != ENOENT) {
        throw SysError(errno, "removing '{}'", path_of(name).native());
    }
    return false;
}

template <typename Id>
std::vector<std::pair<std::string, Id>> BasicNameTable<Id>::all() const {
    std::vector<std::pair<std::string, Id>> entries;
    if (!fs::exists(m_folder)) {
        return entries;
    }
    for (const auto& entry : fs::directory_iterator(m_folder)) {
        const std::string file_name = entry.path().filename().native();
        if (is_temporary_name(file_name)) {
            continue;
        }
        const std::string name = unescape_file_name(file_name);
        if (const auto id = find(name)) {
            entries.emplace_back(name, *id);
        }
    }
    std::ranges::sort(entries);
    return entries;
}

template <typename Id>
fs::path BasicNameTable<Id>::path_of(const std::string& name) const {
    const std::string file_name = escape_file_name(name);
    // NAME_MAX, less what write_file_atomically() appends.
    if (file_name.size() > 240) {
        throw UsageError("name '{}' is too long", name);
    }
    return m_folder / file_name;
}

template class BasicNameTable<ImageId>;
template class BasicNameTable<LayerId>;

}  // namespace mstage::store
