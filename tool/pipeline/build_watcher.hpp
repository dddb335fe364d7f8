#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/directory_watch.hpp"
#include "pipeline/build_tree.hpp"
#include "pipeline/history.hpp"
#include "pipeline/running.hpp"

namespace mstage::pipeline {

/// What goes on in a build tree, for who looks at it from outside of the build.
class BuildWatcher {
public:
    /// `tree` must outlive it. What happened before is not told.
    explicit BuildWatcher(const BuildTree& tree);

    struct Running {
        std::string full_name;
        RunningStage stage;
    };
    struct Event {
        std::string full_name;
        /// Nothing when it ended without a word: whoever made it was killed, or could not begin.
        std::optional<HistoryEntry> entry;
    };
    struct Look {
        std::vector<Running> running;
        std::vector<Event> events;  ///< since the last look, oldest first
    };
    Look look();

    /// Readable when there may be something new to see.
    int fd() const noexcept { return m_changes.fd(); }
    void forget_changes() { m_changes.take(); }

private:
    struct Pipeline {
        const Plan* plan;
        TimePoint seen;  ///< the newest entry of the history that was told
        std::map<std::string, RunningStage> running{};  ///< at the last look, by checkpoint
        std::set<std::string> told{};  ///< those of them whose end the history told already
    };
    static void look_at(Pipeline& pipeline, Look& look);

    std::vector<Pipeline> m_pipelines;
    DirectoryWatch m_changes;
};

/// "ran in 12 s", for people.
std::string describe(const BuildWatcher::Event& event);

}  // namespace mstage::pipeline
