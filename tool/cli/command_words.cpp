#include "cli/command_words.hpp"

#include <cstdlib>

#include "base/error.hpp"
#include "base/text.hpp"

namespace mstage::cli {

std::string joined(const std::vector<std::string>& words) {
    std::string line;
    for (const std::string& word : words) {
        line.append(line.empty() ? "" : " ").append(shell_quote(word));
    }
    return line;
}

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
