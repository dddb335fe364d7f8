#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <optional>

#include "base/atomic_file.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "engine/local/brought_links.hpp"
#include "engine/local/image_tree.hpp"
#include "engine/local/local_engine.hpp"

namespace mstage::engine {

namespace fs = std::filesystem;

namespace {

/// What it means that the last name of a path is a link to a directory.
enum class LastName {
    followed,
    taken,  ///< nothing: the link itself is meant
};

/// A path that stays the same place for a child that sees other mounts than we do: by way of a
/// descriptor for the deepest directory of it that exists.
class OpenPath {
public:
    explicit OpenPath(const fs::path& path, LastName last = LastName::followed)
        : m_start(fs::absolute(path).lexically_normal()), m_is_directory(!path.has_filename()) {
        if (!m_start.has_filename()) {
            m_start = m_start.parent_path();
        }
        if (last == LastName::taken) {
            leave_last_name();
        }
        while (!fs::is_directory(m_start)) {
            leave_last_name();
        }
        m_real_start = fs::canonical(m_start);
        m_directory = open_fd(m_start, O_PATH | O_DIRECTORY);
        m_through = fmt::format("/proc/self/fd/{}", m_directory.get());
    }

    fs::path path() const {
        const fs::path whole = m_rest.empty() ? m_through : m_through / m_rest;
        return m_is_directory ? whole / "" : whole;
    }
    /// `text` with what it calls by way of the descriptor called by its name on this machine.
    std::string original(std::string text) const {
        return replaced(std::move(text), m_start.native());
    }
    /// The same of a path, by way of no link.
    std::string real(std::string path) const {
        return replaced(std::move(path), m_real_start.native());
    }

private:
    void leave_last_name() {
        m_rest = m_rest.empty() ? m_start.filename() : m_start.filename() / m_rest;
        m_start = m_start.parent_path();
    }
    std::string replaced(std::string text, const std::string& by) const {
        const std::string& through = m_through.native();
        for (size_t at = text.find(through); at != std::string::npos; at = text.find(through, at)) {
            text.replace(at, through.size(), by);
            at += by.size();
        }
        return text;
    }

    fs::path m_start;
    fs::path m_real_start;
    fs::path m_rest;
    fs::path m_through;
    Fd m_directory;
    bool m_is_directory;
};

/// Where a single file goes whose destination is a link: it is followed, as cp(1) does, but here,
/// where what it leads to is in sight. Links and directories of the image go elsewhere: they take
/// the link's own place.
class LinkedFile {
public:
    LinkedFile(const fs::path& destination, LastName last) {
        if (last == LastName::taken || !destination.has_filename() ||
            !fs::is_symlink(destination) || fs::is_directory(destination)) {
            return;
        }
        try {
            m_place.emplace(file_to_replace(destination, NameIsLink::followed));
        } catch (const UsageError& error) {
            m_refusal = error;
        }
    }

    /// For a regular file; nothing when there is no link.
    std::optional<fs::path> path() const {
        if (m_refusal) {
            throw UsageError(*m_refusal);
        }
        return m_place ? std::optional(m_place->path()) : std::nullopt;
    }
    std::string real(std::string path) const {
        return m_place ? m_place->real(std::move(path)) : path;
    }
    std::string original(std::string text) const {
        return m_place ? m_place->original(std::move(text)) : text;
    }

private:
    std::optional<OpenPath> m_place;
    std::optional<UsageError> m_refusal;
};

/// Where each of the matched things goes; see Engine::copy_out().
std::vector<std::pair<std::string, fs::path>> copy_jobs(const ImageTree& tree,
                                                        const std::vector<std::string>& patterns,
                                                        const fs::path& destination,
                                                        const LinkedFile& linked, LastName last,
                                                        NoMatch no_match) {
    std::vector<std::string> sources;
    for (const std::string& pattern : patterns) {
        const std::vector<std::string> matches = tree.glob(pattern);
        if (matches.empty() && no_match == NoMatch::error) {
            throw Error("nothing in the image matches '{}'", pattern);
        }
        sources.insert(sources.end(), matches.begin(), matches.end());
    }
    if (sources.empty()) {
        return {};
    }
    const bool into_directory = sources.size() > 1 || !destination.has_filename() ||
                                (last == LastName::followed && fs::is_directory(destination)) ||
                                patterns.front().find_first_of("*?[") != std::string::npos;
    if (into_directory && last == LastName::taken) {
        throw Error("'{}' is a link that came out of an image, and no directory",
                    destination.native());
    }
    if (into_directory) {
        make_directories(destination.has_filename() ? destination : destination.parent_path());
    }
    if (!into_directory && S_ISREG(tree.status(sources.front()).st_mode)) {
        return {{sources.front(), linked.path().value_or(destination)}};
    }
    std::vector<std::pair<std::string, fs::path>> jobs;
    for (const std::string& source : sources) {
        jobs.emplace_back(source,
                          into_directory ? destination / fs::path(source).filename() : destination);
    }
    return jobs;
}

std::vector<fs::path> paths_in(const std::string& list) {
    std::vector<fs::path> paths;
    for (const std::string& path : split(list, '\0')) {
        if (!path.empty()) {
            paths.emplace_back(path);
        }
    }
    return paths;
}

}  // namespace

std::vector<fs::path> LocalEngine::copy_out(const Image& image,
                                            const std::vector<std::string>& patterns,
                                            const fs::path& destination, NoMatch no_match,
                                            const CopyGuard& guard) {
    const BroughtLinks brought(m_store.root() / "links");
    const LastName last = brought.has(destination) ? LastName::taken : LastName::followed;
    brought.refuse(last == LastName::taken ? fs::absolute(destination).parent_path() : destination);
    const OpenPath target(destination, last);
    const LinkedFile linked(destination, last);
    const auto original = [&](const std::string& text) {
        return linked.original(target.original(text));
    };
    // Also those of a copy that fails behind them.
    const Fd links(::memfd_create("mstage-links", MFD_CLOEXEC));
    CopyRules rules{.other_types = no_match, .made_link = [&](const fs::path& link) {
                        write_all(links.get(), original(link.native()) + '\0');
                    }};
    if (guard) {
        rules.guard = [&](const fs::path& place) {
            guard(linked.real(target.real(place.native())));
        };
    }
    const auto note_links = [&] {
        ::lseek(links.get(), 0, SEEK_SET);
        brought.note(destination, paths_in(read_all(links.get())));
    };
    const auto copy = [&](const ImageTree& tree) {
        std::string written;
        for (const auto& [source, name] :
             copy_jobs(tree, patterns, target.path(), linked, last, no_match)) {
            for (const fs::path& file : copy_from_tree(tree, source, name, rules)) {
                written.append(original(file.native())).push_back('\0');
            }
        }
        return written;
    };
    std::string answer;
    try {
        answer = with_tree(image, copy);
    } catch (const Error& error) {
        note_links();
        throw with_hint(Error("{}", original(error.message())), error.hint());
    }
    note_links();
    return paths_in(answer);
}

}  // namespace mstage::engine
