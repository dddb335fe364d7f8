#include "pipeline/secret_source.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "engine/types.hpp"

namespace mstage::pipeline {

namespace {

constexpr std::string_view k_variable_prefix = "env:";
constexpr std::string_view k_file_prefix = "file:";

bool is_variable_name(const std::string& text) {
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, [&](char c) {
        return is_letter(c) || (c >= '0' && c <= '9');
    });
}

}  // namespace

SecretSource parse_secret(const std::string& text) {
    const size_t equals = text.find('=');
    // Not repeated: who gives the value itself is not to read it in a log.
    if (equals == std::string::npos) {
        throw UsageError("a secret is not of the form ID=SOURCE");
    }
    SecretSource secret{.id = text.substr(0, equals), .name = text.substr(equals + 1)};
    engine::check_secret_id(secret.id);
    if (secret.name.starts_with(k_variable_prefix)) {
        secret.name.erase(0, k_variable_prefix.size());
    } else if (secret.name.starts_with(k_file_prefix)) {
        secret.kind = SecretSource::Kind::file;
        secret.name.erase(0, k_file_prefix.size());
    } else if (secret.name.starts_with('.') || secret.name.find('/') != std::string::npos) {
        secret.kind = SecretSource::Kind::file;
    }
    const bool good = secret.kind == SecretSource::Kind::file ? !secret.name.empty()
                                                              : is_variable_name(secret.name);
    if (!good) {
        throw with_hint(UsageError("secret '{}' has a source that is neither a variable's name nor "
                                   "a file's path",
                                   secret.id),
                        "sources are NAME, env:NAME, ./PATH, /PATH and file:PATH");
    }
    return secret;
}

std::vector<SecretSource> parse_secrets(const std::vector<std::string>& texts) {
    std::vector<SecretSource> secrets;
    for (const std::string& text : texts) {
        SecretSource secret = parse_secret(text);
        if (std::ranges::find(secrets, secret.id, &SecretSource::id) != secrets.end()) {
            throw UsageError("two secrets with the id '{}'", secret.id);
        }
        secrets.push_back(std::move(secret));
    }
    std::ranges::sort(secrets, {}, &SecretSource::id);
    return secrets;
}

std::string describe(const SecretSource& source) {
    return fmt::format("{} '{}'",
                       source.kind == SecretSource::Kind::file ? "file" : "environment variable",
                       source.name);
}

}  // namespace mstage::pipeline
