#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/end_signals.hpp"
#include "sandbox/id_map.hpp"
#include "store/store.hpp"

namespace mstage::engine {

/// A layer of an imported image: one that the store has, or a directory that becomes one.
struct ImportedLayer {
    std::optional<store::LayerId> known{};
    std::filesystem::path directory{};
    /// What it is to be called in the store, see Store.
    std::vector<std::string> names{};
};

/// What an importer gives.
struct ImportedTree {
    /// The image that the store has for it already: the rest is empty then.
    std::optional<store::ImageId> image{};
    std::vector<ImportedLayer> layers{};
    store::ImageConfig config{};
    std::vector<std::string> warnings{};
};

struct ImportContext {
    const sandbox::IdMap& ids;
    const store::Store& store;
    store::WorkDir& work;
    /// The image that was imported under this name of its content before, whatever the reference
    /// was. An importer that asks gets the turn to import it, and its image that name.
    std::function<std::optional<store::ImageId>(const std::string& identity)> find_known;
    /// Importers wait for nothing without looking for these.
    const EndSignals& signals;
};

/// One kind of base reference. Importers throw with what is wrong with the reference or its source.
struct BaseKind {
    std::string_view prefix;   ///< "rootfs:"; what follows is the operand
    std::string_view example;  ///< for help and errors
    ImportedTree (*import)(const std::string& operand, const ImportContext& context);
};

/// The kinds that are imported into the store; `host`, tags and UUIDs are not among them.
const std::vector<BaseKind>& base_kinds();
/// Nothing when no kind has such a prefix.
const BaseKind* find_base_kind(std::string_view reference);

}  // namespace mstage::engine
