#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "source/inputs.hpp"
#include "store/store.hpp"

namespace mstage::source {

/// The store keeps the list of source files behind every digest of inputs, so that what differs
/// between two stage keys can be named when the source itself has long been another:
/// `inputs/<digest>`, a digest file (inputs.hpp). It is the very file of the build tree where that
/// can be linked (digest files are replaced, never written to), else a copy.

/// Makes sure that the store has the list that was just written to `inputs_file`.
void keep_input_list(const store::Store& store, const Inputs& inputs,
                     const std::filesystem::path& inputs_file);

/// Only looks at its head.
bool has_input_list(const store::Store& store, const std::string& digest);

/// Nothing when the store has none, or one that a power cut tore.
std::optional<Inputs> find_input_list(const store::Store& store, const std::string& digest);

}  // namespace mstage::source
