#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/id_map.hpp"
#include "store/store.hpp"

namespace mstage::engine {

/// What an importer gives: a tree in the directory that it was told to fill, or just the machine's
/// own ground.
struct ImportedTree {
    store::Ground ground = store::Ground::empty;
    store::ImageConfig config;
    std::vector<std::string> warnings;
};

struct ImportContext {
    const sandbox::IdMap& ids;
    std::filesystem::path directory;  ///< empty; becomes a layer
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
