#pragma once

#include <string>
#include <vector>

namespace catalog {

/// The titles of the books in a catalog, an XML document <catalog><book title="..."/>...</catalog>, in its order.
/// Throws std::invalid_argument when the document is not one.
std::vector<std::string> titles(const std::string& xml);

}  // namespace catalog
