#include "catalog/catalog.hpp"

#include <tinyxml2.h>

#include <stdexcept>

namespace catalog {

std::vector<std::string> titles(const std::string& xml) {
    tinyxml2::XMLDocument document;
    if (document.Parse(xml.data(), xml.size()) != tinyxml2::XML_SUCCESS) {
        throw std::invalid_argument(document.ErrorStr());
    }
    const tinyxml2::XMLElement* root = document.FirstChildElement("catalog");
    if (root == nullptr) {
        throw std::invalid_argument("the document is no catalog");
    }
    std::vector<std::string> found;
    for (auto* book = root->FirstChildElement("book"); book != nullptr;
         book = book->NextSiblingElement("book")) {
        const char* title = book->Attribute("title");
        found.emplace_back(title != nullptr ? title : "");
    }
    return found;
}

}  // namespace catalog
