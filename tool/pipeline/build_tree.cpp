#include "pipeline/build_tree.hpp"

#include <algorithm>
#include <tuple>

#include "base/error.hpp"
#include "base/text.hpp"
#include "pipeline/checkpoint.hpp"
#include "pipeline/failures.hpp"
#include "pipeline/generation.hpp"
#include "pipeline/tree_change.hpp"

namespace mstage::pipeline {

namespace fs = std::filesystem;

namespace {

void read_plan_in(const fs::path& directory, std::vector<Plan>& plans) {
    if (fs::exists(directory / "plan.json")) {
        plans.push_back(read_plan(directory / "plan.json"));
    }
}

std::vector<Plan> read_plans(const fs::path& state) {
    std::vector<Plan> plans;
    for (const auto& pipeline : fs::directory_iterator(state)) {
        // Hidden is what belongs to no pipeline, such as a helper that was built here.
        if (!pipeline.is_directory() || pipeline.path().filename().native().starts_with('.')) {
            continue;
        }
        read_plan_in(pipeline.path(), plans);
        for (const auto& config : fs::directory_iterator(pipeline.path())) {
            if (config.is_directory()) {
                read_plan_in(config.path(), plans);
            }
        }
    }
    std::ranges::sort(plans, {}, [](const Plan& plan) {
        return std::tuple(plan.config != plan.default_config, plan.config, !plan.is_default,
                          plan.pipeline);
    });
    return plans;
}

/// What a plan's checkpoint would be called if `text` named it: without the configuration, which may
/// be behind it, and, when `with_pipeline`, without the pipeline before it.
std::optional<std::string> name_in(const Plan& plan, std::string text, bool with_pipeline) {
    const std::string prefix = with_pipeline ? plan.pipeline + "." : "";
    const std::string suffix = plan.config ? ":" + *plan.config : "";
    if (!text.starts_with(prefix)) {
        return std::nullopt;
    }
    text.erase(0, prefix.size());
    if (!suffix.empty() && text.ends_with(suffix)) {
        text.resize(text.size() - suffix.size());
    }
    return plan.has_checkpoint(text) ? std::optional(text) : std::nullopt;
}

/// What may have been meant by something that is no image.
std::string hint_for(const std::optional<BuildTree>& tree, const std::string& text) {
    if (text.find(':') != std::string::npos || text == "host") {
        return fmt::format(
            "if it is a base: mstage import --tag NAME {}; a path in an image "
            "starts with '/': IMAGE:/PATH",
            shell_quote(text));
    }
    return tree ? "'mstage status' lists the checkpoints, 'mstage images' the images"
                : "for checkpoints stand in a build tree, or name one with -C";
}

/// "failed" is the newest failed state, "failed-1" the one before it. Nothing when `generation` is
/// none of these.
std::optional<size_t> failure_number(const std::string& generation) {
    if (generation == "failed") {
        return 0;
    }
    const std::string prefix = "failed-";
    const bool is_number = generation.starts_with(prefix) &&
                           generation.size() == prefix.size() + 1 && generation.back() >= '1' &&
                           generation.back() <= '9';
    return is_number ? std::optional<size_t>(generation.back() - '0') : std::nullopt;
}

engine::ImageId failed_state(const Plan& plan, const std::string& checkpoint, size_t number) {
    const std::vector<Failure> attempts = read_failures(plan, checkpoint).attempts;
    if (number >= attempts.size()) {
        throw Error("of checkpoint '{}' there {} left by failed attempts",
                    plan.full_name(checkpoint),
                    attempts.empty()       ? "are no states"
                    : attempts.size() == 1 ? "is only one state, '@failed',"
                                           : fmt::format("are only {} states", attempts.size()));
    }
    return attempts[number].state;
}

engine::ImageId image_of(engine::Engine& engine, const CheckpointName& name,
                         const std::string& generation) {
    finish_change(name.plan->build_dir);
    if (generation.empty()) {
        return get_checkpoint(*name.plan, name.checkpoint).image;
    }
    if (const auto number = failure_number(generation)) {
        return failed_state(*name.plan, name.checkpoint, *number);
    }
    if (generation.starts_with('-')) {
        return find_generation(engine, *name.plan, name.checkpoint, "@" + generation,
                               std::chrono::system_clock::now())
            .image;
    }
    throw UsageError(
        "'@{}' is unknown: '@-1', '@-2', …, '@failed' or '@failed-1' may follow a checkpoint",
        generation);
}

}  // namespace

std::optional<BuildTree> BuildTree::find(const fs::path& start) {
    for (fs::path directory = fs::absolute(start).lexically_normal();;
         directory = directory.parent_path()) {
        if (fs::is_directory(directory / ".mstage")) {
            std::vector<Plan> plans = read_plans(directory / ".mstage");
            if (!plans.empty()) {
                return BuildTree(directory, std::move(plans));
            }
        }
        if (directory == directory.parent_path()) {
            return std::nullopt;
        }
    }
}

void BuildTree::choose_config(const std::string& config) {
    std::string known;
    std::vector<Plan> chosen;
    for (const Plan& plan : m_plans) {
        const std::string name = "'" + plan.config.value_or("") + "'";
        if (plan.config == config) {
            chosen.push_back(plan);
        } else if (plan.config && known.find(name) == std::string::npos) {
            known += (known.empty() ? "" : ", ") + name;
        }
    }
    if (chosen.empty()) {
        throw with_hint(
            UsageError("build tree '{}' has no configuration '{}'", m_directory.native(), config),
            known.empty() ? "it has only one, without a name here" : "it has " + known);
    }
    m_plans = std::move(chosen);
}

std::optional<CheckpointName> find_checkpoint(const BuildTree& tree, const std::string& text) {
    for (const bool with_pipeline : {true, false}) {
        for (const Plan& plan : tree.plans()) {
            if (const auto name = name_in(plan, text, with_pipeline)) {
                return CheckpointName{&plan, *name};
            }
        }
    }
    return std::nullopt;
}

CheckpointName get_checkpoint_name(const BuildTree& tree, const std::string& text) {
    const auto found = find_checkpoint(tree, text);
    if (!found) {
        throw with_hint(
            UsageError("'{}' is no checkpoint of build tree '{}'", text, tree.directory().native()),
            "'mstage status' lists the checkpoints");
    }
    return *found;
}

engine::ImageId resolve_last_attempt(engine::Engine& engine, const std::optional<BuildTree>& tree,
                                     const std::string& text) {
    const auto name = tree ? find_checkpoint(*tree, text) : std::nullopt;
    const auto failure = name ? read_failure(*name->plan, name->checkpoint) : std::nullopt;
    return failure && engine.find(failure->state) ? failure->state
                                                  : resolve_image(engine, tree, text);
}

engine::ImageId resolve_image(engine::Engine& engine, const std::optional<BuildTree>& tree,
                              const std::string& text) {
    const size_t at = text.rfind('@');
    const std::string generation = at == std::string::npos ? "" : text.substr(at + 1);
    if (tree && !text.starts_with("tag:")) {
        if (const auto name = find_checkpoint(*tree, text.substr(0, at))) {
            return image_of(engine, *name, generation);
        }
    }
    if (const auto id = engine.find_image(text)) {
        return *id;
    }
    for (const auto& [name, image] : engine.tags()) {
        if (name == text) {
            throw with_hint(Error("'{}' is no image, but there is a tag of that name", text),
                            "tag:" + text);
        }
    }
    refuse_short_id(text);
    throw with_hint(Error("'{}' is no image: neither a checkpoint{} nor a UUID nor tag:NAME", text,
                          tree ? " of build tree '" + tree->directory().native() + "'" : ""),
                    hint_for(tree, text));
}

void refuse_short_id(const std::string& text) {
    const bool is_short = !text.empty() && text.size() < engine::k_shortest_prefix &&
                          text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
    if (is_short) {
        throw with_hint(Error("'{}' is too short for a UUID: it takes its first {} digits, or more",
                              text, engine::k_shortest_prefix),
                        "'mstage images' lists them");
    }
}

}  // namespace mstage::pipeline
