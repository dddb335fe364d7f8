#include "agent/roots.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/path_text.hpp"
#include "base/text.hpp"

namespace mstage::agent {

namespace fs = std::filesystem;

namespace {

fs::path real_path(const std::string& path) {
    if (!fs::path(path).is_absolute()) {
        throw with_hint(Error("'{}' is no absolute path", path),
                        "paths of this machine begin with '/'");
    }
    std::error_code error;
    return fs::weakly_canonical(path, error);
}

void check_is_there(const std::string& path, const fs::path& real) {
    std::error_code error;
    [[maybe_unused]] const fs::path found = fs::canonical(real, error);
    if (error) {
        throw with_hint(SysError(error.value(), "'{}'", path), "it has to be there already");
    }
}

}  // namespace

Roots::Roots(const std::vector<fs::path>& directories, fs::path hidden)
    : m_hidden(std::move(hidden)) {
    for (const fs::path& directory : directories) {
        std::error_code error;
        const fs::path real = fs::canonical(directory, error);
        if (error || !fs::is_directory(real)) {
            throw UsageError("'{}' is no directory", directory.native());
        }
        m_directories.push_back(real);
    }
}

fs::path Roots::resolve(const std::string& path) const {
    const fs::path real = real_path(path);
    check(path, real);
    check_is_there(path, real);
    return real;
}

fs::path Roots::resolve_new(const std::string& path) const {
    const fs::path name = fs::path(path).filename();
    if (name.empty() || name == "." || name == "..") {
        throw Error("'{}' is no name for a file", path);
    }
    real_path(path);
    const fs::path parent = real_path(fs::path(path).parent_path().native());
    check(path, parent);
    check_is_there(path, parent);
    return parent / name;
}

bool Roots::holds(const fs::path& real) const {
    return (m_hidden.empty() || !is_below(real.native(), m_hidden.native())) &&
           std::ranges::any_of(m_directories, [&](const fs::path& root) {
               return is_below(real.native(), root.native());
           });
}

void Roots::check(const std::string& path, const fs::path& real) const {
    if (holds(real)) {
        return;
    }
    std::string known;
    for (const fs::path& root : m_directories) {
        known += (known.empty() ? "" : ", ") + shell_quote(root.native());
    }
    throw with_hint(
        Error("'{}' is outside of what this server may show", path),
        known.empty()
            ? "it was started without --root DIR, and so shows no directory"
            : fmt::format("it was started for {}; another --root DIR adds to that", known));
}

}  // namespace mstage::agent
