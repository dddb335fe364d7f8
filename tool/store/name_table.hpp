#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "store/ids.hpp"

namespace mstage::store {

/// A folder of names for images or layers: one file per name (escaped), holding the UUID. Used for
/// tags, for imported base references, for stage keys and for the layers of container images. Each
/// call is atomic; the last writer wins.
template <typename Id>
class BasicNameTable {
public:
    explicit BasicNameTable(std::filesystem::path folder) : m_folder(std::move(folder)) {}

    /// Nothing when the name is not there. A torn file (a power cut can leave one) counts as not
    /// there.
    std::optional<Id> find(const std::string& name) const;
    /// Leaves a file that already says so untouched, mtime and all: Ninja may be watching it.
    void set(const std::string& name, const Id& id, Durable durable = Durable::no) const;
    /// False when it was not there.
    bool remove(const std::string& name) const;
    /// All names, sorted.
    std::vector<std::pair<std::string, Id>> all() const;

    /// Where `name` is or would be; for build tools that watch it.
    std::filesystem::path path_of(const std::string& name) const;

private:
    std::filesystem::path m_folder;
};

using NameTable = BasicNameTable<ImageId>;
using LayerTable = BasicNameTable<LayerId>;

}  // namespace mstage::store
