#include "pipeline/tree_change.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "pipeline/state_file.hpp"

namespace mstage::pipeline {

namespace fs = std::filesystem;

namespace {

constexpr int k_version = 1;
/// How many changes can be taken back.
constexpr int k_max_undos = 100;

fs::path lock_path(const fs::path& build_dir) {
    return build_dir / ".mstage/.rollback.lock";
}

fs::path journal_path(const fs::path& build_dir) {
    return build_dir / ".mstage/.rollback";
}

fs::path undo_path(const fs::path& build_dir, int number) {
    return build_dir / ".mstage/.undo" / std::to_string(number);
}

Json to_json(const std::optional<Checkpoint>& checkpoint) {
    if (!checkpoint) {
        return nullptr;
    }
    return {{"image", checkpoint->image.str()},
            {"parent", json_or_null(checkpoint->parent)},
            {"key", json_or_null(checkpoint->key)}};
}

std::optional<Checkpoint> checkpoint_from(const Json& json, const std::string& name) {
    const auto image = find_id<engine::ImageId>(json, "image");
    if (!image) {
        return std::nullopt;
    }
    return Checkpoint{.name = name,
                      .image = *image,
                      .parent = find_id<engine::ImageId>(json, "parent"),
                      .key = find_text(json, "key")};
}

Json to_json(const TreeChange& change) {
    Json checkpoints = Json::array();
    for (const CheckpointChange& one : change.checkpoints) {
        Json pin = to_json(one.pin ? std::optional(one.pin->checkpoint) : std::nullopt);
        if (one.pin) {
            pin["since"] = format_time(one.pin->since);
        }
        checkpoints.push_back({{"state_dir", one.state_dir.native()},
                               {"checkpoint", one.checkpoint},
                               {"marker", to_json(one.marker)},
                               {"pin", std::move(pin)},
                               {"event", to_string(one.event)},
                               {"was", json_or_null(one.was)}});
    }
    Json keys = Json::array();
    for (const KeyChange& one : change.keys) {
        keys.push_back({{"state_dir", one.state_dir.native()},
                        {"checkpoint", one.checkpoint},
                        {"key", one.key},
                        {"retired", one.retired}});
    }
    return {{"time", format_time(change.time)},
            {"title", change.title},
            {"checkpoints", std::move(checkpoints)},
            {"keys", std::move(keys)}};
}

HistoryEvent read_event(const std::string& text) {
    const auto event = event_from(text);
    if (!event) {
        throw Error("event '{}' is unknown to this mstage", text);
    }
    return *event;
}

CheckpointChange checkpoint_change_from(const Json& json) {
    CheckpointChange one{.state_dir = json_get<std::string>(json, "state_dir"),
                         .checkpoint = json_get<std::string>(json, "checkpoint"),
                         .marker = {},
                         .pin = {},
                         .event = read_event(json_get<std::string>(json, "event")),
                         .was = find_id<engine::ImageId>(json, "was")};
    one.marker = checkpoint_from(json_get<Json>(json, "marker"), one.checkpoint);
    const Json pin = json_get<Json>(json, "pin");
    if (auto pinned = checkpoint_from(pin, one.checkpoint)) {
        one.pin = Pin{std::move(*pinned), parse_time(json_get<std::string>(pin, "since"))};
    }
    return one;
}

TreeChange change_from(const Json& json) {
    TreeChange change{.time = parse_time(json_get<std::string>(json, "time")),
                      .title = json_get<std::string>(json, "title")};
    for (const Json& one : json_get<Json>(json, "checkpoints")) {
        change.checkpoints.push_back(checkpoint_change_from(one));
    }
    for (const Json& one : json_get<Json>(json, "keys")) {
        change.keys.push_back({.state_dir = json_get<std::string>(one, "state_dir"),
                               .checkpoint = json_get<std::string>(one, "checkpoint"),
                               .key = json_get<std::string>(one, "key"),
                               .retired = json_get<bool>(one, "retired")});
    }
    return change;
}

/// What is written down before a change is made. `undo` is what takes it back, to be kept under
/// `number`; without it the change takes back what was kept there.
struct Journal {
    TreeChange change;
    std::optional<TreeChange> undo;
    int number = 0;
};

std::optional<Journal> read_journal(const fs::path& build_dir) {
    const auto json = read_state_file(journal_path(build_dir), k_version);
    if (!json) {
        return std::nullopt;
    }
    Journal journal{.change = change_from(json_get<Json>(*json, "change")),
                    .undo = {},
                    .number = json_get<int>(*json, "number")};
    if (const auto undo = json_find<Json>(*json, "undo")) {
        journal.undo = change_from(*undo);
    }
    return journal;
}

void write_journal(const fs::path& build_dir, const Journal& journal) {
    write_file_atomically(
        journal_path(build_dir),
        dump_json_indented({{"version", k_version},
                            {"change", to_json(journal.change)},
                            {"undo", journal.undo ? to_json(*journal.undo) : Json()},
                            {"number", journal.number}}));
}

/// 0 when there is none.
int last_undo(const fs::path& build_dir) {
    int last = 0;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(build_dir / ".mstage/.undo", none)) {
        const std::string name = entry.path().filename();
        constexpr size_t k_most_digits = 9;
        if (name.size() <= k_most_digits &&
            name.find_first_not_of("0123456789") == std::string::npos) {
            last = std::max(last, std::stoi(name));
        }
    }
    return last;
}

/// Plans by their state directories, each read once.
class Plans {
public:
    /// Null when the project has no such pipeline any more, or the pipeline no such checkpoint.
    const Plan* find(const fs::path& state_dir, const std::string& checkpoint) {
        const fs::path path = state_dir / "plan.json";
        auto found = m_plans.find(state_dir);
        if (found == m_plans.end()) {
            found = m_plans
                        .emplace(state_dir,
                                 fs::exists(path) ? std::optional(read_plan(path)) : std::nullopt)
                        .first;
        }
        const std::optional<Plan>& plan = found->second;
        return plan && plan->has_checkpoint(checkpoint) ? &*plan : nullptr;
    }

private:
    std::map<fs::path, std::optional<Plan>> m_plans;
};

HistoryEntry entry_for(const CheckpointChange& one, TimePoint time) {
    HistoryEntry entry{.time = time,
                       .checkpoint = one.checkpoint,
                       .event = one.event,
                       .pinned = one.pin.has_value()};
    if (one.marker) {
        entry.image = one.marker->image;
        entry.parent = one.marker->parent;
        entry.key = one.marker->key;
    } else if (one.event == HistoryEvent::dropped) {
        entry.image = one.was;
    }
    return entry;
}

void make_checkpoint_change(const Plan& plan, const CheckpointChange& one) {
    if (one.pin) {
        write_pin(plan, *one.pin);
    } else {
        remove_pin(plan, one.checkpoint);
    }
    if (one.marker) {
        write_checkpoint(plan, *one.marker);
    } else {
        remove_checkpoint(plan, one.checkpoint);
    }
}

void let_be_looked_at(const Plan& plan, const std::string& checkpoint) {
    write_depfile(plan, plan.depfile_path(checkpoint), plan.marker_path(checkpoint),
                  {never_there(plan)});
}

/// Times do not say whether a stage would make the same as a marker that was put back, and not all
/// that decides is a file that the build tool looks at. So the next build looks at everything, and
/// does what a forecast says that goes by keys. This comes before all else, so that a build also
/// starts a helper, to bring the change to its end, when we die over it.
void let_build_look(const Plan& plan) {
    let_be_looked_at(plan, k_setup_base);
    for (const Stage& stage : plan.stages) {
        let_be_looked_at(plan, stage.checkpoint);
    }
    if (!plan.stages.empty()) {
        write_depfile(plan, plan.depfile_path("scan"), plan.inputs_path(plan.stages.front().name),
                      {never_there(plan)});
    }
}

void make_change(const TreeChange& change) {
    Plans plans;
    for (const KeyChange& one : change.keys) {
        const Plan* plan = plans.find(one.state_dir, one.checkpoint);
        if (plan != nullptr && one.retired) {
            retire(*plan, one.key, one.checkpoint);
        } else if (plan != nullptr) {
            unretire(*plan, one.key);
        }
    }
    std::map<const Plan*, std::vector<CheckpointChange>> changes;
    for (const CheckpointChange& one : change.checkpoints) {
        if (const Plan* plan = plans.find(one.state_dir, one.checkpoint)) {
            changes[plan].push_back(one);
        }
    }
    for (const auto& [plan, those] : changes) {
        std::vector<HistoryEntry> entries;
        for (const CheckpointChange& one : those) {
            entries.push_back(entry_for(one, change.time));
        }
        // Who begins again after a kill may have told it already.
        append_missing_history(*plan, std::move(entries));
        for (const CheckpointChange& one : those) {
            make_checkpoint_change(*plan, one);
        }
    }
}

/// All that a journal says, from its beginning. The caller has the exclusive lock.
void carry_out(const fs::path& build_dir, const Journal& journal) {
    const fs::path undo = undo_path(build_dir, journal.number);
    if (journal.undo) {
        make_directories(undo.parent_path());
        Json json = to_json(*journal.undo);
        json["version"] = k_version;
        write_file_atomically(undo, dump_json_indented(json));
        remove_state_file(undo_path(build_dir, journal.number - k_max_undos));
    }
    make_change(journal.change);
    if (!journal.undo) {
        remove_state_file(undo);
    }
    remove_state_file(journal_path(build_dir));
}

void write_down_and_carry_out(const fs::path& build_dir, const Journal& journal) {
    Plans plans;
    std::set<const Plan*> changed;
    for (const CheckpointChange& one : journal.change.checkpoints) {
        changed.insert(plans.find(one.state_dir, one.checkpoint));
    }
    for (const Plan* plan : changed) {
        if (plan != nullptr) {
            let_build_look(*plan);
        }
    }
    write_journal(build_dir, journal);
    try {
        carry_out(build_dir, journal);
    } catch (Error& error) {
        error.add_context("going back is half done");
        error.set_hint("mend the cause: the next build, or mstage verb, brings it to its end");
        throw;
    }
}

void finish_under_lock(const fs::path& build_dir) {
    const auto journal = read_journal(build_dir);
    if (journal) {
        with_context("a rollback that was interrupted is to be brought to its end",
                     [&] { carry_out(build_dir, *journal); });
        return;
    }
    const fs::path path = journal_path(build_dir);
    const auto text = read_file_if_exists(path);
    if (text && Json::accept(*text)) {
        throw with_hint(
            Error("'{}', which tells of a rollback that was interrupted, is of another mstage",
                  path.native()),
            "use that one, or remove the file and see by 'mstage history' what was done");
    }
    // A power cut left it torn, and says nothing.
    remove_state_file(path);
}

/// As things are now.
TreeChange opposite_of(const TreeChange& change) {
    Plans plans;
    TreeChange opposite{.time = change.time, .title = change.title};
    for (const CheckpointChange& one : change.checkpoints) {
        const Plan& plan = *plans.find(one.state_dir, one.checkpoint);
        opposite.checkpoints.push_back(
            {.state_dir = one.state_dir,
             .checkpoint = one.checkpoint,
             .marker = read_checkpoint(plan, one.checkpoint),
             .pin = read_pin(plan, one.checkpoint),
             .event = HistoryEvent::undone,
             .was = one.marker ? std::optional(one.marker->image) : std::nullopt});
    }
    for (KeyChange one : change.keys) {
        one.retired = !one.retired;
        opposite.keys.push_back(std::move(one));
    }
    return opposite;
}

/// Whether a stage is being made, and not just looked whether one is.
bool is_in_use(const fs::path& path) {
    constexpr int k_looks = 4;
    constexpr std::chrono::milliseconds k_pause{5};
    for (int look = 0; look < k_looks; ++look) {
        std::this_thread::sleep_for(look * k_pause);
        if (FileLock::try_acquire(path, LockMode::exclusive)) {
            return false;
        }
        // A change that is being made has the lock for itself, and for milliseconds.
        if (!FileLock::try_acquire(path, LockMode::shared)) {
            return false;
        }
    }
    return true;
}

FileLock take_turn(const fs::path& build_dir) {
    constexpr std::chrono::milliseconds k_pause{5};
    constexpr std::chrono::seconds k_most{30};
    const fs::path path = lock_path(build_dir);
    const auto limit = std::chrono::steady_clock::now() + k_most;
    while (true) {
        if (auto lock = FileLock::try_acquire(path, LockMode::exclusive)) {
            return std::move(*lock);
        }
        if (is_in_use(path)) {
            throw with_hint(
                Error("a stage is being made in build tree '{}'", build_dir.native()),
                "checkpoints cannot be changed under it: wait for the build to end, or end it");
        }
        if (std::chrono::steady_clock::now() > limit) {
            throw Error("another rollback goes on in build tree '{}'", build_dir.native());
        }
        std::this_thread::sleep_for(k_pause);
    }
}

}  // namespace

TreeTurn::TreeTurn(const fs::path& build_dir)
    : m_build_dir(build_dir), m_lock(take_turn(build_dir)) {
    finish_under_lock(m_build_dir);
}

void TreeTurn::make(const TreeChange& change) {
    if (!change.is_empty()) {
        write_down_and_carry_out(
            m_build_dir,
            {.change = change, .undo = opposite_of(change), .number = last_undo(m_build_dir) + 1});
    }
}

void TreeTurn::undo(const TreeChange& change) {
    write_down_and_carry_out(m_build_dir,
                             {.change = change, .undo = {}, .number = last_undo(m_build_dir)});
}

std::optional<TreeChange> find_undo(const fs::path& build_dir) {
    const int number = last_undo(build_dir);
    const auto json =
        number == 0 ? std::nullopt : read_state_file(undo_path(build_dir, number), k_version);
    if (!json) {
        return std::nullopt;
    }
    TreeChange change = change_from(*json);
    change.time =
        std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    return change;
}

FileLock hold_checkpoints(const fs::path& build_dir) {
    while (true) {
        FileLock lock = FileLock::acquire(lock_path(build_dir), LockMode::shared);
        if (!fs::exists(journal_path(build_dir))) {
            return lock;
        }
        { const FileLock free = std::move(lock); }
        finish_change(build_dir);
    }
}

void finish_change(const fs::path& build_dir) {
    if (fs::exists(journal_path(build_dir))) {
        const FileLock lock = FileLock::acquire(lock_path(build_dir), LockMode::exclusive);
        finish_under_lock(build_dir);
    }
}

PlanState state_after(const TreeChange& change, const Plan& plan) {
    PlanState state = read_plan_state(plan);
    for (const CheckpointChange& one : change.checkpoints) {
        if (one.state_dir != plan.state_dir) {
            continue;
        }
        state.markers.erase(one.checkpoint);
        state.pins.erase(one.checkpoint);
        if (one.marker) {
            state.markers.emplace(one.checkpoint, *one.marker);
        }
        if (one.pin) {
            state.pins.emplace(one.checkpoint, *one.pin);
        }
    }
    for (const KeyChange& one : change.keys) {
        if (one.state_dir == plan.state_dir && one.retired) {
            state.retired.insert(one.key);
        } else if (one.state_dir == plan.state_dir) {
            state.retired.erase(one.key);
        }
    }
    return state;
}

}  // namespace mstage::pipeline
