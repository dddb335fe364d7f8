#include "cli/environment.hpp"

#include <cstdlib>

#include "base/error.hpp"

namespace mstage::cli {

std::map<std::string, std::string> parse_environment(const std::vector<std::string>& pairs) {
    std::map<std::string, std::string> environment;
    for (const std::string& pair : pairs) {
        const size_t equals = pair.find('=');
        if (pair.empty() || equals == 0) {
            throw UsageError("'{}' is neither NAME=VALUE nor NAME", pair);
        }
        if (equals != std::string::npos) {
            environment[pair.substr(0, equals)] = pair.substr(equals + 1);
        } else if (const char* value = std::getenv(pair.c_str())) {
            environment[pair] = value;
        }
    }
    return environment;
}

}  // namespace mstage::cli
