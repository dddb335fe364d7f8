#include "source/input_changes.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "source/inputs.hpp"

namespace mstage::source {

namespace {

using Kind = InputChange::Kind;

Kind kind_of(const Difference& difference) {
    switch (difference.kind) {
        case Difference::Kind::added:
            return Kind::added;
        case Difference::Kind::removed:
            return Kind::removed;
        case Difference::Kind::retyped:
            return Kind::type;
        case Difference::Kind::modified:
            break;
    }
    if (difference.before->hash == difference.after->hash) {
        return Kind::mode;
    }
    return difference.after->type == EntryType::symlink ? Kind::target : Kind::changed;
}

bool is_directory(const InputChange& change) {
    return (change.after ? change.after : change.before)->type == EntryType::directory;
}

/// Makes one change of a file that went and one with the same content that came.
void find_renamed(std::vector<InputChange>& changes) {
    using Content = std::pair<EntryType, std::string>;
    std::map<Content, std::vector<InputChange*>> gone;
    for (InputChange& change : changes) {
        if (change.kind == Kind::removed && !is_directory(change)) {
            gone[{change.before->type, change.before->hash}].push_back(&change);
        }
    }
    for (InputChange& change : changes) {
        if (change.kind != Kind::added || is_directory(change)) {
            continue;
        }
        const auto found = gone.find({change.after->type, change.after->hash});
        if (found == gone.end() || found->second.empty()) {
            continue;
        }
        // Rather one that kept its last name.
        std::vector<InputChange*>& candidates = found->second;
        const auto same_name = std::ranges::find_if(candidates, [&](const InputChange* candidate) {
            return name_of(candidate->before->path) == name_of(change.after->path);
        });
        const auto chosen = same_name == candidates.end() ? candidates.begin() : same_name;
        change.kind = Kind::renamed;
        change.before = std::move((*chosen)->before);
        (*chosen)->before.reset();
        candidates.erase(chosen);
    }
    std::erase_if(changes,
                  [](const InputChange& change) { return !change.before && !change.after; });
}

/// The directories on the way to what went (or came).
std::set<std::string> parents(const std::vector<InputChange>& changes,
                              std::optional<Entry> InputChange::*side) {
    std::set<std::string> found;
    for (const InputChange& change : changes) {
        const std::optional<Entry>& entry = change.*side;
        if (!entry || entry->type == EntryType::directory) {
            continue;
        }
        for (std::string_view path = parent_of(entry->path); !path.empty();
             path = parent_of(path)) {
            found.emplace(path);
        }
    }
    return found;
}

}  // namespace

const char* to_string(InputChange::Kind kind) {
    switch (kind) {
        case Kind::added:
            return "added";
        case Kind::removed:
            return "removed";
        case Kind::renamed:
            return "renamed";
        case Kind::changed:
            return "changed";
        case Kind::mode:
            return "mode";
        case Kind::target:
            return "target";
        case Kind::type:
            break;
    }
    return "type";
}

std::vector<InputChange> input_changes(const std::vector<Entry>& before,
                                       const std::vector<Entry>& after) {
    std::vector<InputChange> changes;
    for (const Difference& difference : differences(before, after)) {
        InputChange change{.kind = kind_of(difference)};
        if (difference.before != nullptr) {
            change.before = *difference.before;
        }
        if (difference.after != nullptr) {
            change.after = *difference.after;
        }
        changes.push_back(std::move(change));
    }
    find_renamed(changes);
    const std::set<std::string> left = parents(changes, &InputChange::before);
    const std::set<std::string> entered = parents(changes, &InputChange::after);
    std::erase_if(changes, [&](const InputChange& change) {
        return is_directory(change) &&
               ((change.kind == Kind::removed && left.contains(change.path())) ||
                (change.kind == Kind::added && entered.contains(change.path())));
    });
    return changes;
}

}  // namespace mstage::source
