// Secrets of the caller, on their way to a command.

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>

#include "base/error.hpp"
#include "base/secret_patterns.hpp"
#include "base/text.hpp"
#include "cli/command_line.hpp"
#include "cli/secrets.hpp"

namespace mstage::cli {

namespace {

using pipeline::SecretSource;

/// Takes the variable away: programs that we start have no use for it, and neither has who looks at
/// us in /proc. A second command of this process finds it all the same.
std::string variable_value(const std::string& name) {
    static std::map<std::string, std::string> taken;
    if (char* value = std::getenv(name.c_str())) {
        taken[name] = value;
        ::explicit_bzero(value, std::strlen(value));
        ::unsetenv(name.c_str());
    }
    const auto found = taken.find(name);
    if (found == taken.end()) {
        throw with_hint(Error("environment variable '{}' is not set", name),
                        fmt::format("a file of that name is written file:{}", name));
    }
    return found->second;
}

std::string file_content(const std::string& path) {
    // A FIFO is as good as a file: `--secret key=<(gpg …)`.
    const Fd file = open_fd(path, O_RDONLY);
    struct stat info {};
    if (::fstat(file.get(), &info) == 0 && S_ISDIR(info.st_mode)) {
        throw Error("file '{}' is a directory", path);
    }
    std::string content;
    std::string buffer(k_piece_size, '\0');
    while (const size_t count = read_some(file.get(), buffer)) {
        content.append(buffer, 0, count);
        if (content.size() > engine::k_longest_secret) {
            break;
        }
    }
    return content;
}

void check_value(const std::string& value, const std::string& source) {
    const size_t size = value.find_last_not_of("\r\n") + 1;
    if (size == 0) {
        throw Error("{} is empty", source);
    }
    if (size < k_shortest_secret) {
        throw with_hint(Error("{} holds less than {} bytes, which cannot be told from other text",
                              source, k_shortest_secret),
                        "it could be kept out of neither the output nor the image");
    }
    if (value.size() > engine::k_longest_secret) {
        throw Error("{} holds more than {}", source, human_size(engine::k_longest_secret));
    }
}

}  // namespace

std::string expand_home(const std::string& secret) {
    const size_t equals = secret.find('=');
    std::string source = equals == std::string::npos ? "" : secret.substr(equals + 1);
    const std::string prefix = source.starts_with("file:") ? "file:" : "";
    source.erase(0, prefix.size());
    const char* home = std::getenv("HOME");
    if (!source.starts_with("~/") || home == nullptr) {
        return secret;
    }
    return secret.substr(0, equals + 1) + prefix + home + source.substr(1);
}

std::vector<engine::Secret> read_secrets(const std::vector<SecretSource>& sources) {
    engine::forbid_core_dumps();
    std::vector<engine::Secret> secrets;
    for (const SecretSource& source : sources) {
        with_context(fmt::format("secret '{}'", source.id), [&] {
            std::string value = source.kind == SecretSource::Kind::file
                                    ? file_content(source.name)
                                    : variable_value(source.name);
            check_value(value, pipeline::describe(source));
            secrets.push_back({.id = source.id, .value = std::move(value)});
        });
    }
    return secrets;
}

std::vector<engine::Secret> secrets_from(const std::vector<std::string>& texts) {
    std::vector<std::string> expanded;
    std::ranges::transform(texts, std::back_inserter(expanded), expand_home);
    const std::vector<SecretSource> sources = pipeline::parse_secrets(expanded);
    return sources.empty() ? std::vector<engine::Secret>() : read_secrets(sources);
}

}  // namespace mstage::cli
