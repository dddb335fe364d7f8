#include "base/template.hpp"

#include "base/error.hpp"

namespace mstage {

std::string fill_template(std::string_view text, const std::map<std::string, std::string>& values) {
    std::string filled;
    size_t done = 0;
    for (size_t open = text.find("{{"); open != std::string_view::npos;
         open = text.find("{{", done)) {
        const size_t close = text.find("}}", open);
        const std::string name(text.substr(open + 2, close - open - 2));
        const auto value = values.find(name);
        if (close == std::string_view::npos || value == values.end()) {
            throw Error("the template has '{{{{{}', for which there is no value",
                        name.substr(0, 40));
        }
        filled.append(text.substr(done, open - done)).append(value->second);
        done = close + 2;
    }
    return filled.append(text.substr(done));
}

}  // namespace mstage
