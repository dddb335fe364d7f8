#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/lock.hpp"
#include "base/text.hpp"
#include "pipeline/checkpoint.hpp"
#include "pipeline/history.hpp"
#include "pipeline/pins.hpp"
#include "pipeline/plan.hpp"

/// Changes of a build tree's checkpoints that no build made: rollbacks, and what takes them back.
///
/// Below `<build_dir>/.mstage/`:
///
///     .rollback.lock   held shared while a stage is made, and exclusive while checkpoints are changed
///     .rollback        the change that is being made; there for milliseconds, or since a kill
///     .undo/<number>   what takes a change back, the last one under the highest number
///
/// The two files are JSON, version 1, as to_json() gives them. A change is first written down as a
/// whole, then made, then struck off. Each of its steps can be made again, so whoever comes next
/// after a kill, or in a file system that has room again, makes it to its end before anything else.
namespace mstage::pipeline {

/// What becomes of one checkpoint.
struct CheckpointChange {
    std::filesystem::path state_dir;  ///< of its pipeline
    std::string checkpoint;
    std::optional<Checkpoint> marker;  ///< nothing: there is none any more
    std::optional<Pin> pin;            ///< nothing: it is not pinned any more
    HistoryEvent event;
    std::optional<engine::ImageId> was;  ///< what it was before; for people and for the history
};

/// A key that is retired, or no longer is.
struct KeyChange {
    std::filesystem::path state_dir;
    std::string checkpoint;
    std::string key;
    bool retired = true;
};

struct TreeChange {
    TimePoint time = std::chrono::system_clock::now();
    std::string title;  ///< for people: "rollback app.deps-installed"
    std::vector<CheckpointChange> checkpoints{};
    std::vector<KeyChange> keys{};

    bool is_empty() const { return checkpoints.empty() && keys.empty(); }
};

/// The turn to change the checkpoints of a build tree. Nobody makes a stage there meanwhile, and
/// changes come one after the other.
class TreeTurn {
public:
    /// Waits for a change that somebody else makes; throws when a stage is being made there.
    explicit TreeTurn(const std::filesystem::path& build_dir);

    /// Makes the change, and remembers how to take it back. An empty one leaves everything alone.
    void make(const TreeChange& change);
    /// Takes the last change back; `change` is what find_undo() says.
    void undo(const TreeChange& change);

private:
    std::filesystem::path m_build_dir;
    FileLock m_lock;
};

/// What takes the last change back; nothing when there is none to take back.
std::optional<TreeChange> find_undo(const std::filesystem::path& build_dir);

/// For who makes a stage: no checkpoint is changed by others while this is held. Waits for the end
/// of a change that is being made.
FileLock hold_checkpoints(const std::filesystem::path& build_dir);
/// For who looks at checkpoints: brings a change to its end that somebody died over.
void finish_change(const std::filesystem::path& build_dir);

/// What the state of a plan would be after the change.
PlanState state_after(const TreeChange& change, const Plan& plan);

}  // namespace mstage::pipeline
