// How a snapshot is made from the one before:
//
//   nothing to start from          one layer with copies of everything
//   entries were added or changed  the layers before, and one more with these entries
//   the same, the stack is full    the lowest layer, and one that unites what was above it
//   entries vanished, became       one layer with everything; what did not change is hard links to
//   another type, or are many      the files of the layers before
//
// A whiteout could remove an entry too, but it would also hide a file of the same path in the image
// below, so that what a stage sees would depend on how its inputs came to be.

#include "source/snapshot.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <unordered_map>

#include "base/file.hpp"
#include "base/hash.hpp"
#include "source/tree_writer.hpp"
#include "store/boot.hpp"

namespace mstage::source {

namespace fs = std::filesystem;

namespace {

constexpr int k_version = 2;
/// Each one is another directory that the kernel looks into for a name that is not there.
constexpr size_t k_max_deltas = 8;

struct Record {
    std::string workdir;
    std::vector<store::LayerId> layers;
};

/// A workdir as a path in a layer.
fs::path in_layer(std::string_view workdir) {
    return (fs::path("/") / workdir).lexically_normal().relative_path();
}

Record parse_record(const Json& json) {
    if (json_get<int>(json, "version") != k_version ||
        json_get<std::string>(json, "boot") != store::boot_id()) {
        throw Error("not a record that can be trusted");
    }
    Record record{json_get<std::string>(json, "workdir"), {}};
    for (const auto& text : json_get<std::vector<std::string>>(json, "layers")) {
        const auto layer = store::LayerId::parse(text);
        if (!layer) {
            throw Error("'{}' is not the id of a layer", text);
        }
        record.layers.push_back(*layer);
    }
    return record;
}

std::optional<Record> find_record(const store::Store& store, const std::string& digest) {
    if (!is_sha256_hex(digest)) {
        return std::nullopt;
    }
    const auto text = read_file_if_exists(store.snapshot_path(digest));
    if (!text) {
        return std::nullopt;
    }
    try {
        Record record = parse_record(parse_json(*text, "snapshot"));
        for (const store::LayerId& layer : record.layers) {
            if (!store.has_layer(layer)) {
                return std::nullopt;
            }
        }
        return record.layers.empty() ? std::nullopt : std::optional(std::move(record));
    } catch (const Error&) {
        return std::nullopt;
    }
}

void write_record(const store::Store& store, const std::string& digest, const Record& record) {
    Json layers = Json::array();
    for (const store::LayerId& layer : record.layers) {
        layers.push_back(layer.str());
    }
    write_file_atomically(store.snapshot_path(digest), dump_json({{"version", k_version},
                                                                  {"workdir", record.workdir},
                                                                  {"boot", store::boot_id()},
                                                                  {"layers", layers}}));
}

/// What the new layer is to hold, and what may be taken from the layers before.
struct Plan {
    std::vector<store::LayerId> below;
    std::vector<bool> held;     ///< per entry
    std::vector<bool> changed;  ///< per entry: to be copied
    /// Paths in the layers above the lowest; the last of several is the one that counts.
    std::unordered_map<std::string, store::LayerId> owners;
    std::optional<store::LayerId> lowest;  ///< has what the others have not
};

Plan plan_from_nothing(const Inputs& inputs) {
    const std::vector<bool> all(inputs.entries.size(), true);
    return {.below = {}, .held = all, .changed = all, .owners = {}, .lowest = {}};
}

/// What each layer above the lowest holds.
std::unordered_map<std::string, store::LayerId> find_owners(const store::Store& store,
                                                            const Record& record) {
    std::unordered_map<std::string, store::LayerId> owners;
    for (size_t i = 1; i < record.layers.size(); ++i) {
        const fs::path root = store.layer_path(record.layers[i]) / in_layer(record.workdir);
        for (const auto& found : fs::recursive_directory_iterator(root)) {
            owners.insert_or_assign(found.path().lexically_relative(root).native(),
                                    record.layers[i]);
        }
    }
    return owners;
}

/// Which entries are not as they were, and whether any vanished or became another type.
bool compare(const Inputs& inputs, const Inputs& previous, std::vector<bool>& changed) {
    bool only_new = true;
    for (const Difference& difference : differences(previous.entries, inputs.entries)) {
        using Kind = Difference::Kind;
        if (difference.kind == Kind::removed || difference.kind == Kind::retyped) {
            only_new = false;
        }
        if (difference.after != nullptr) {
            changed[static_cast<size_t>(difference.after - inputs.entries.data())] = true;
        }
    }
    return only_new;
}

size_t count(const std::vector<bool>& flags) {
    return static_cast<size_t>(std::ranges::count(flags, true));
}

Plan plan_from(const store::Store& store, const Inputs& inputs, const Inputs& previous,
               const Record& record) {
    Plan plan;
    plan.changed.resize(inputs.entries.size());
    const bool only_new = compare(inputs, previous, plan.changed);
    plan.held = plan.changed;
    const size_t enough_for_a_tree = inputs.entries.size() / 2;
    if (only_new && record.layers.size() <= k_max_deltas && count(plan.held) <= enough_for_a_tree) {
        plan.below = record.layers;
    } else {
        plan.lowest = record.layers.front();
        plan.owners = find_owners(store, record);
        for (size_t i = 0; i < plan.held.size(); ++i) {
            plan.held[i] = plan.held[i] || plan.owners.contains(inputs.entries[i].path);
        }
        if (only_new && count(plan.held) <= enough_for_a_tree) {
            plan.below = {record.layers.front()};
        } else {
            plan.held.assign(plan.held.size(), true);
        }
    }
    choose_parents(inputs.entries, plan.held);
    return plan;
}

/// The layers that files are linked from, each opened once.
class Donors {
public:
    Donors(const store::Store& store, const Plan& plan, fs::path workdir)
        : m_store(store), m_plan(plan), m_workdir(std::move(workdir)) {}

    bool give(const Entry& entry, TreeWriter& writer) {
        const auto owner = m_plan.owners.find(entry.path);
        if (owner == m_plan.owners.end() && !m_plan.lowest) {
            return false;
        }
        const store::LayerId& layer = owner == m_plan.owners.end() ? *m_plan.lowest : owner->second;
        auto cursor = m_cursors.find(layer);
        if (cursor == m_cursors.end()) {
            cursor = m_cursors.try_emplace(layer, m_store.layer_path(layer) / m_workdir).first;
        }
        return writer.link(entry, cursor->second);
    }

private:
    const store::Store& m_store;
    const Plan& m_plan;
    fs::path m_workdir;
    std::map<store::LayerId, DirectoryCursor> m_cursors;
};

/// The directories of the workdir, readable by all whatever the umask: they show in the image.
fs::path make_layer_root(const fs::path& layer, const fs::path& workdir) {
    fs::path path = layer;
    make_directories(path, 0755);
    ::chmod(path.c_str(), 0755);
    for (const fs::path& name : workdir) {
        path /= name;
        make_directories(path, 0755);
        ::chmod(path.c_str(), 0755);
    }
    return path;
}

void write_layer(const store::Store& store, const fs::path& layer, const fs::path& source_root,
                 const fs::path& workdir, const Inputs& inputs, const Plan& plan) {
    TreeWriter writer(source_root, make_layer_root(layer, workdir));
    Donors donors(store, plan, workdir);
    for (size_t i = 0; i < inputs.entries.size(); ++i) {
        const Entry& entry = inputs.entries[i];
        if (!plan.held[i]) {
            continue;
        }
        const bool may_link = entry.type == EntryType::file && !plan.changed[i];
        if (!may_link || !donors.give(entry, writer)) {
            writer.copy(entry);
        }
    }
    writer.finish();
}

Plan make_plan(const store::Store& store, std::string_view workdir, const Inputs& inputs,
               const std::optional<Inputs>& previous) {
    const auto record = previous ? find_record(store, previous->digest) : std::nullopt;
    if (!record || in_layer(record->workdir) != in_layer(workdir)) {
        return plan_from_nothing(inputs);
    }
    return plan_from(store, inputs, *previous, *record);
}

}  // namespace

std::optional<Snapshot> find_snapshot(const store::Store& store, const std::string& digest) {
    auto record = find_record(store, digest);
    return record ? std::optional(Snapshot{std::move(record->layers)}) : std::nullopt;
}

Snapshot take_snapshot(const store::Store& store, const fs::path& source_root,
                       std::string_view workdir, const Inputs& inputs,
                       const std::optional<Inputs>& previous) {
    if (auto snapshot = find_snapshot(store, inputs.digest)) {
        return *snapshot;
    }
    return with_context(fmt::format("taking a snapshot of '{}'", source_root.native()), [&] {
        const store::WorkDir work = store.make_work_dir();
        const Plan plan = make_plan(store, workdir, inputs, previous);
        const fs::path layer = work.path() / "layer";
        write_layer(store, layer, source_root, in_layer(workdir), inputs, plan);
        if (auto snapshot = find_snapshot(store, inputs.digest)) {
            return *snapshot;  // somebody else was faster
        }
        Record record{std::string(workdir), plan.below};
        record.layers.push_back(store.publish_layer(layer));
        if (!plan.below.empty()) {
            store.set_continued(record.layers.back(), plan.below.back());
        }
        write_record(store, inputs.digest, record);
        return Snapshot{std::move(record.layers)};
    });
}

std::vector<std::vector<store::LayerId>> with_snapshots_united(
    const store::Store& store, const std::vector<store::LayerId>& layers) {
    std::vector<std::vector<store::LayerId>> united;
    for (const store::LayerId& layer : layers) {
        // A later stage with some of the same layers has taken them up to its own: what is left of
        // an earlier stage's need not begin with a whole tree.
        if (!united.empty() && store.continued(layer) == united.back().back()) {
            united.back().push_back(layer);
        } else {
            united.push_back({layer});
        }
    }
    return united;
}

}  // namespace mstage::source
