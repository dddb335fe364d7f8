#include "pipeline/generation.hpp"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/error.hpp"
#include "pipeline/build_tree.hpp"
#include "pipeline/history.hpp"

namespace mstage::pipeline {

namespace {

Checkpoint checkpoint_from(const HistoryEntry& generation) {
    return {.name = generation.checkpoint,
            .image = *generation.image,
            .parent = generation.parent,
            .key = generation.key};
}

/// Of "@-2", 2; nothing when it is no such thing.
std::optional<size_t> parse_steps(const std::string& text) {
    constexpr size_t k_most_steps = 1'000'000;
    size_t steps = 0;
    const char* end = text.data() + text.size();
    if (!text.starts_with("@-") || std::from_chars(text.data() + 2, end, steps).ptr != end ||
        steps == 0 || steps > k_most_steps) {
        return std::nullopt;
    }
    return steps;
}

/// How long before now: "2h", "30 min", "3 days ago", as people and our own tables write it.
std::optional<std::chrono::seconds> parse_age(std::string text) {
    static const std::map<std::string, std::int64_t> k_units = {
        {"s", 1},        {"m", 60},    {"min", 60},    {"h", 3600},    {"hour", 3600},
        {"hours", 3600}, {"d", 86400}, {"day", 86400}, {"days", 86400}};
    constexpr std::int64_t k_longest = std::int64_t{100} * 366 * 86400;
    if (text.ends_with(" ago")) {
        text.resize(text.size() - 4);
    }
    std::int64_t number = 0;
    const char* const end = text.c_str() + text.size();
    const auto [rest, error] = std::from_chars(text.c_str(), end, number);
    std::string unit(rest, end);
    unit.erase(0, unit.starts_with(' ') ? 1 : 0);
    const auto known = k_units.find(unit);
    if (error != std::errc() || number < 0 || known == k_units.end() ||
        number > k_longest / known->second) {
        return std::nullopt;
    }
    return std::chrono::seconds(number * known->second);
}

/// A point in time: as RFC 3339 has it, or how long ago it was.
std::optional<TimePoint> parse_moment(const std::string& text, TimePoint now) {
    if (const auto age = parse_age(text)) {
        return now - *age;
    }
    try {
        return parse_time(text);
    } catch (const Error&) {
        return std::nullopt;
    }
}

Checkpoint generation_at(const Plan& plan, const std::string& name,
                         const std::vector<HistoryEntry>& known, TimePoint time) {
    const auto after = std::ranges::upper_bound(known, time, {}, &HistoryEntry::time);
    if (after == known.begin()) {
        throw with_hint(
            Error("'{}' was not built yet at {}", plan.full_name(name), format_time(time)),
            fmt::format("'mstage history {}' lists what it has been since", plan.full_name(name)));
    }
    return checkpoint_from(*std::prev(after));
}

/// An image of the same stage that another build tree made.
std::optional<Checkpoint> foreign_generation(const Plan& plan, const std::string& name,
                                             const engine::Image& image) {
    const Stage* stage = plan.stage_of_checkpoint(name);
    // Any image can be a base.
    const bool is_one =
        stage == nullptr || image.origin == fmt::format("stage {}/{}", plan.pipeline, stage->name);
    if (!is_one || image.state == engine::ImageState::failed) {
        return std::nullopt;
    }
    if (stage == nullptr) {
        return Checkpoint{.name = name, .image = image.id, .parent = {}, .key = {}};
    }
    return Checkpoint{.name = name, .image = image.id, .parent = image.parent, .key = image.key};
}

Checkpoint generation_of_image(engine::Engine& engine, const Plan& plan, const std::string& name,
                               const std::vector<HistoryEntry>& known, const std::string& text) {
    const auto is_meant = [&](const HistoryEntry& entry) {
        return text.size() >= engine::k_shortest_prefix && entry.image->str().starts_with(text);
    };
    const auto newest = std::ranges::find_if(known.rbegin(), known.rend(), is_meant);
    if (newest != known.rend()) {
        const auto other = std::find_if(newest, known.rend(), [&](const HistoryEntry& entry) {
            return is_meant(entry) && entry.image != newest->image;
        });
        if (other != known.rend()) {
            throw with_hint(Error("'{}' is ambiguous: several generations of '{}' start so", text,
                                  plan.full_name(name)),
                            "give more digits");
        }
        return checkpoint_from(*newest);
    }
    const auto id = engine.find_image(text);
    const auto image = id ? engine.find(*id) : std::nullopt;
    const auto found = image ? foreign_generation(plan, name, *image) : std::nullopt;
    if (!found) {
        refuse_short_id(text);
        throw with_hint(
            Error("'{}' is no generation of '{}'", text, plan.full_name(name)),
            fmt::format("'mstage history {}' lists them; or give '@-1', a time such as '2h', or "
                        "2026-01-31T12:00:00Z",
                        plan.full_name(name)));
    }
    return *found;
}

}  // namespace

Checkpoint find_generation(engine::Engine& engine, const Plan& plan, const std::string& name,
                           const std::string& text, TimePoint now) {
    if (text.starts_with('@')) {
        const auto steps = parse_steps(text);
        if (!steps) {
            throw UsageError("'{}' is no generation: '@-1' is the one before the present one",
                             text);
        }
        const auto known = read_generations(plan, name, *steps + 1);
        // After a failure, say, there is no present one, and the last that was comes first.
        const size_t present = read_checkpoint(plan, name) ? 1 : 0;
        if (*steps + present > known.size()) {
            throw with_hint(
                Error("'{}' has no generation {}: known before the present one: {}",
                      plan.full_name(name), text, known.size() - std::min(present, known.size())),
                fmt::format("'mstage history {}' lists them", plan.full_name(name)));
        }
        return checkpoint_from(known[known.size() - present - *steps]);
    }
    const auto known = read_generations(plan, name);
    if (const auto time = parse_moment(text, now)) {
        return generation_at(plan, name, known, *time);
    }
    return generation_of_image(engine, plan, name, known, text);
}

}  // namespace mstage::pipeline
