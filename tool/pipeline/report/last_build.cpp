#include "pipeline/report/last_build.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace mstage::pipeline {

namespace {

/// Between the end of one stage and the start of another lies work of the build tool that we do not
/// see.
constexpr std::chrono::minutes k_longest_gap{1};

bool is_of_a_build(const HistoryEntry& entry) {
    switch (entry.event) {
        case HistoryEvent::imported:
        case HistoryEvent::ran:
        case HistoryEvent::restored:
        case HistoryEvent::failed:
            return true;
        default:
            return false;
    }
}

/// Nothing of one that is larger than any that Ninja writes.
std::string content_of(engine::Engine& engine, const engine::Image& image,
                       const std::string& path) {
    constexpr std::uint64_t k_max_log = 64UL << 20;
    const std::vector<engine::FileInfo> files = engine.list(image, path, false);
    if (files.size() != 1 || files.front().type != 'f' || files.front().size > k_max_log) {
        return "";
    }
    const Fd file(::memfd_create("mstage-log", MFD_CLOEXEC));
    engine.write_file_to(image, path, file.get());
    ::lseek(file.get(), 0, SEEK_SET);
    return read_all(file.get());
}

}  // namespace

std::optional<TimeSpan> span_of(const HistoryEntry& entry) {
    if (entry.phases.empty()) {
        return std::nullopt;
    }
    const engine::Phase& last = entry.phases.back();
    return TimeSpan{entry.phases.front().start, last.start + last.duration};
}

std::vector<HistoryEntry> last_build(const std::vector<HistoryEntry>& history) {
    std::vector<HistoryEntry> build;
    std::set<std::string> seen;
    std::optional<TimePoint> start;
    for (auto entry = history.rbegin(); entry != history.rend(); ++entry) {
        const auto span = span_of(*entry);
        if (!is_of_a_build(*entry) || !span || !seen.insert(entry->checkpoint).second ||
            (start && span->end + k_longest_gap < *start)) {
            break;
        }
        start = start ? std::min(*start, span->start) : span->start;
        build.push_back(*entry);
    }
    std::ranges::stable_sort(build, {},
                             [](const HistoryEntry& entry) { return entry.phases.front().start; });
    return build;
}

std::vector<InnerBuild> inner_builds(engine::Engine& engine, const HistoryEntry& entry,
                                     const std::vector<engine::FileChange>& changes) {
    std::vector<InnerBuild> builds;
    const auto run = std::ranges::find(entry.phases, "run", &engine::Phase::name);
    const auto image = entry.image ? engine.find(*entry.image) : std::nullopt;
    if (run == entry.phases.end() || !image) {
        return builds;
    }
    for (const engine::FileChange& change : changes) {
        if (!change.after || change.after->type != 'f' || !change.path().ends_with("/.ninja_log")) {
            continue;
        }
        std::vector<NinjaStep> steps =
            read_ninja_log(content_of(engine, *image, change.path()), change.after->mtime,
                           {run->start, run->start + run->duration});
        if (!steps.empty()) {
            builds.push_back({change.path(), std::move(steps)});
        }
    }
    return builds;
}

std::optional<std::vector<engine::FileChange>> changes_of(
    engine::Engine& engine, const std::optional<engine::ImageId>& parent,
    const std::optional<engine::ImageId>& image) {
    const auto before = parent ? engine.find(*parent) : std::nullopt;
    const auto after = image ? engine.find(*image) : std::nullopt;
    if (!before || !after) {
        return std::nullopt;
    }
    try {
        return engine.diff(*before, *after, {});
    } catch (const Error&) {
        return std::nullopt;  // a page without this list is better than none
    }
}

}  // namespace mstage::pipeline
