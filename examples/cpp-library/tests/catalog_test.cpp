#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include "catalog/catalog.hpp"

namespace {

int failures = 0;

void expect(bool condition, const char* what) {
    if (!condition) {
        std::cerr << "failed: " << what << '\n';
        ++failures;
    }
}

bool is_refused(const std::string& xml) {
    try {
        catalog::titles(xml);
        return false;
    } catch (const std::invalid_argument&) {
        return true;
    }
}

}  // namespace

int main() {
    const auto titles =
        catalog::titles("<catalog><book title=\"Emma\"/><book title=\"Walden\"/></catalog>");
    expect(titles == std::vector<std::string>{"Emma", "Walden"}, "titles come in order");
    expect(catalog::titles("<catalog/>").empty(), "an empty catalog has none");
    expect(is_refused("<catalog>"), "broken XML is refused");
    expect(is_refused("<shelf/>"), "another document is refused");
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
