#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "engine/phases.hpp"
#include "engine/types.hpp"
#include "pipeline/plan.hpp"

namespace mstage::pipeline {

/// What became of a checkpoint.
enum class HistoryEvent {
    imported,
    ran,
    restored,
    failed,       ///< the image is the failed state; none where that would have held a secret
    rolled_back,  ///< it is another generation now
    dropped,      ///< no marker any more, because of a rollback; the image is what it was
    unpinned,
    undone,  ///< a rollback was taken back; without an image there is no marker after it
};
/// As in the file: "rolled-back".
const char* to_string(HistoryEvent event);
std::optional<HistoryEvent> event_from(std::string_view text);

/// How an attempt went that failed.
enum class AttemptEnd {
    failed,
    timed_out,
    interrupted,  ///< by us, asked by a signal to end
};
/// As in the file: "timed-out".
const char* to_string(AttemptEnd end);
/// For people: "was interrupted".
const char* to_verb(AttemptEnd end);
AttemptEnd end_of(const engine::Outcome& outcome);

struct HistoryEntry {
    TimePoint time = std::chrono::system_clock::now();
    std::string checkpoint{};
    HistoryEvent event = HistoryEvent::ran;
    std::optional<engine::ImageId> image{};
    std::optional<engine::ImageId> parent{};
    std::optional<std::string> key{};
    std::optional<engine::RunId> run{};
    std::optional<double> duration_s{};
    std::vector<engine::Phase> phases{};
    bool pinned = false;
    AttemptEnd end = AttemptEnd::failed;  ///< when it failed
};

/// The history of a pipeline's checkpoints, `<state_dir>/history`: JSON lines, oldest first, each
/// with all fields: `version` (1), `time`, `checkpoint`, `event`, `image`, `parent`, `key`, `run`,
/// `duration_s` (the last five null where there is none), `phases` (`name`, `start`, `duration_s`),
/// `pinned` and `end` (of what failed, else null; the first lines ever had none). Lines that are
/// torn, or of a later version, are skipped: a history is for looking back, and none is as good as a
/// short one. It is a journal (journal.hpp), so its oldest lines go.
///
/// Entries come before the change that they tell of, so that no image is a checkpoint's without
/// having been in its history. Who dies in between makes the change again, and the entry too.
void append_history(const Plan& plan, const std::vector<HistoryEntry>& entries);
/// The same, but for the entries that are there already, to the last letter.
void append_missing_history(const Plan& plan, std::vector<HistoryEntry> entries);
/// Oldest first.
std::vector<HistoryEntry> read_history(const Plan& plan);
/// Only those of one checkpoint, which is faster.
std::vector<HistoryEntry> read_history(const Plan& plan, const std::string& checkpoint);

Json to_json(const HistoryEntry& entry);
/// The event in a word; of what failed, how.
const char* to_word(const HistoryEntry& entry);

/// Whether the entry says which image the checkpoint was from then on.
bool makes_generation(const HistoryEntry& entry);
/// What a checkpoint has been, oldest first, the last one being the present one (or the one that was
/// dropped last). Entries that follow each other with the same image are one generation: the first of
/// them, with the parent and the key of the last.
std::vector<HistoryEntry> generations(const std::vector<HistoryEntry>& history,
                                      const std::string& checkpoint);
/// The same from the file; the present marker counts, whether the history knows of it or not.
/// Looks no further back than it has to for the `last` ones; it may give more.
std::vector<HistoryEntry> read_generations(const Plan& plan, const std::string& checkpoint,
                                           size_t last = std::numeric_limits<size_t>::max());

}  // namespace mstage::pipeline
